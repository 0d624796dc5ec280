/** The style sheet of a report: light and dark by the reader's system, paper when printed, one column on a phone. */
export const style = `
:root { color-scheme: light dark;
  --paper: #faf9f7; --card: #ffffff; --ink: #1d2226; --soft: #59636b; --line: #dfdcd6; --grid: #ebe8e3;
  --c0: #7e96a6; --c1: #3f7f9c; --c2: #0d4f6e; --base: #8a8f94; --truth: #9a5d08; --good: #1f6f4a; --bad: #b02a2a;
  --good-wash: #e6f2ec; --bad-wash: #f9e9e7; --still-wash: #f1f0ed; --theirs: #f4efe4; --warn: #a1440b; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14171a; --card: #1c2024; --ink: #e7e6e2; --soft: #a3abb1; --line: #343a40; --grid: #2a2f34;
  --c0: #738b9b; --c1: #63a9c8; --c2: #b5e0f4; --base: #949a9f; --truth: #e7a94a; --good: #6cc79a; --bad: #f08b80;
  --good-wash: #1b3127; --bad-wash: #3a2220; --still-wash: #25292d; --theirs: #26231c; --warn: #f0a064; } }
@media print { :root { color-scheme: light;
  --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --grid: #ddd;
  --c0: #7e96a6; --c1: #3f7f9c; --c2: #0d4f6e; --base: #777; --truth: #9a5d08; --good: #1f6f4a; --bad: #b02a2a;
  --good-wash: #eef5f1; --bad-wash: #faf0ee; --still-wash: #f5f5f5; --theirs: #f8f6f0; --warn: #a1440b; }
  body { font-size: 10.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; } nav { display: none; }
  figure, .card, tr, .example header, .example .look { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif; }
main, body > header, nav ul, footer { max-width: 1120px; margin: 0 auto; padding: 0 28px; }
h1, h2, h3 { font-family: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, "Liberation Serif", serif;
  font-weight: 600; line-height: 1.2; letter-spacing: -.005em; margin: 0; text-wrap: balance; }
h1 { font-size: clamp(34px, 6vw, 52px); margin: 2px 0 14px; overflow-wrap: anywhere; }
h2 { font-size: 29px; margin: 0 0 10px; } h3 { font-size: 20px; margin: 30px 0 10px; }
p { margin: 0 0 14px; max-width: 72ch; } a { color: inherit; text-underline-offset: 3px; }
ul { padding-left: 20px; margin: 0 0 14px; } li { margin: 3px 0; max-width: 76ch; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: .86em; }
figcaption code, th code, .what code, .name code, dt code { color: var(--soft); font-weight: 400; font-size: 12px; }
pre { background: var(--still-wash); border-radius: 6px; padding: 9px 13px; overflow-x: auto; margin: 6px 0 10px; }
pre.config { font-size: 12.5px; line-height: 1.45; }
small, .note { color: var(--soft); font-size: 13px; } .note { margin: 8px 0 0; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
svg { display: block; overflow: visible; }
section { margin: 0; padding: 44px 0 12px; border-top: 1px solid var(--line); }
section:first-of-type { border-top: 0; }

body > header { padding-top: 46px; padding-bottom: 26px; }
.eyebrow { text-transform: uppercase; letter-spacing: .13em; font-size: 12.5px; color: var(--soft); margin: 0; }
.lede { font-size: 18.5px; max-width: 64ch; margin-bottom: 20px; }
.meta { display: flex; flex-wrap: wrap; gap: 10px 36px; margin: 0 0 26px; } .meta div { min-width: 0; }
.meta dt { font-size: 12.5px; color: var(--soft); } .meta dd { margin: 0; font-size: 14.5px; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 14px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 15px 18px 14px; }
.card p { margin: 0; } .card .what { font-size: 14px; font-weight: 600; line-height: 1.35; } .card .what code { display: block; }
.card .big { font-size: 37px; line-height: 1.2; font-variant-numeric: tabular-nums; letter-spacing: -.02em; font-weight: 600; margin: 8px 0 2px; color: var(--c2); }
.card .say { font-size: 18px; line-height: 1.35; font-weight: 600; margin: 13px 0 6px; } .card .note { line-height: 1.45; }
.card.better .say { color: var(--good); } .card.worse .say { color: var(--bad); }

nav { position: sticky; top: 0; z-index: 5; background: var(--paper); border-block: 1px solid var(--line); }
nav ul { display: flex; gap: 4px 22px; list-style: none; overflow-x: auto; padding-top: 9px; padding-bottom: 9px; scrollbar-width: none; }
nav li { margin: 0; white-space: nowrap; font-size: 14px; } nav a { text-decoration: none; color: var(--soft); } nav a:hover { color: var(--ink); text-decoration: underline; }
section { scroll-margin-top: 36px; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--c1); outline-offset: 3px; border-radius: 3px; }

figure { margin: 0; } figcaption { font-size: 15px; margin-bottom: 8px; }
.panels { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; margin: 18px 0; align-items: start; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 15px 18px 11px; }
.track { position: relative; min-height: 25px; } .track svg { position: absolute; inset: 0; } .rows { display: grid; grid-template-columns: minmax(104px, max-content) minmax(60px, 1fr) max-content; gap: 0 18px; align-items: center; font-size: 14px; } .rows > .track, .tracks { align-self: stretch; }
.rows .name { line-height: 1.25; padding: 3px 0; max-width: 190px; } .rows .number { text-align: right; font-variant-numeric: tabular-nums; }
.rows .name.base { color: var(--soft); } .rows small { white-space: nowrap; }
.scale { position: relative; height: 18px; font-size: 11.5px; color: var(--soft); font-variant-numeric: tabular-nums; } .scale span { position: absolute; top: 2px; transform: translateX(-50%); white-space: nowrap; }
.track .grid { stroke: var(--grid); } .track .reference { stroke: var(--soft); stroke-dasharray: 3 3; }
 .whisker { stroke: currentColor; stroke-width: 3; stroke-linecap: round; opacity: .5; } .dot { fill: currentColor; }
.c0 { --tone: var(--c0); } .c1 { --tone: var(--c1); } .c2 { --tone: var(--c2); } .base { --tone: var(--base); } .truth { --tone: var(--truth); }
.up { --tone: var(--good); } .down { --tone: var(--bad); } .flat { --tone: var(--base); }
.track svg, .time-line svg { color: var(--tone); } .track.base .dot { fill: var(--card); stroke: currentColor; stroke-width: 2; } .track.base .whisker { stroke-width: 2; }
.strata .tracks { display: flex; flex-direction: column; } .strata .track { min-height: 12px; flex: 1; } .strata .tracks { padding: 3px 0; } .strata .name { padding: 5px 0; } .strata .tracks { border-bottom: 1px solid var(--grid); }
.panels.gains { grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); } .gains .rows { grid-template-columns: minmax(0, 1fr); } .gains .name { max-width: none; padding: 0; } .gains .track { min-height: 22px; }
.gains .said { font-size: 13px; color: var(--soft); line-height: 1.35; text-wrap: balance; margin-bottom: 13px; font-variant-numeric: tabular-nums; min-height: 18px; }
.gains .said.up { color: var(--good); } .gains .said.down { color: var(--bad); }

.scroll { overflow-x: auto; margin: 10px 0 14px; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; } th { text-align: left; font-weight: 600; vertical-align: bottom; }
td, th { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); } td { vertical-align: top; } thead th { line-height: 1.3; font-size: 13.5px; }
tbody th { vertical-align: top; white-space: nowrap; } td small { display: block; white-space: nowrap; }
table.main { width: 100%; } table.main tr.baseline, table.main tr.oracle { color: var(--soft); } table.main tr.baseline th, table.main tr.oracle th { font-weight: 400; }
table.main tr.first td, table.main tr.first th { border-top: 2px solid var(--soft); } table.main tr.checkpoint b { font-size: 15.5px; }
table.main tr:not(.checkpoint) b { font-weight: 400; }
.policies { font-size: 13px; color: var(--soft); margin: 4px 0 16px; } .policies div { margin: 2px 0; } .policies dt, .policies dd { display: inline; margin: 0; } .policies dt::after { content: ": "; }
table.rejects th, table.artifacts th { white-space: normal; } table.rejects td { min-width: 120px; overflow-wrap: anywhere; }
table.artifacts code { font-size: 11.5px; overflow-wrap: anywhere; } table.artifacts td { min-width: 200px; }

table.matrix { width: 100%; margin: 4px 0 12px; } .matrix td, .matrix th { border: 0; padding: 5px; text-align: center; vertical-align: middle; font-size: 13.5px; }
.matrix th { color: var(--soft); font-weight: 400; } .matrix tbody th { text-align: right; width: 84px; white-space: nowrap; }
.matrix tbody td { border-radius: 8px; padding: 11px 6px; border: 3px solid var(--card); width: 40%; } .matrix b { font-size: 24px; display: block; line-height: 1.2; }
.matrix .good { background: var(--good-wash); } .matrix .good b { color: var(--good); } .matrix .bad { background: var(--bad-wash); } .matrix .bad b { color: var(--bad); } .matrix .still { background: var(--still-wash); }
ul.plain { list-style: none; padding: 0; font-size: 14px; }

.example { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin: 16px 0; display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: 12px 28px; }
.example header { grid-column: 1 / -1; display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 14px; } .example h3 { margin: 0; overflow-wrap: anywhere; }
.tag { font-size: 12.5px; border: 1px solid var(--line); border-radius: 99px; padding: 1px 10px; color: var(--soft); } .truth-name { margin-left: auto; font-size: 14px; color: var(--truth); font-weight: 600; } .truth-name.Normal { color: var(--soft); }
.look { align-self: start; position: sticky; top: 54px; } .look img { display: block; width: 100%; height: auto; border-radius: 6px; background: var(--still-wash); margin-bottom: 12px; }
.time-line { display: grid; grid-template-columns: max-content 1fr; gap: 1px 12px; align-items: center; font-size: 13px; } .time-line .name { color: var(--soft); }
.time-line .rail { fill: var(--grid); } .time-line .span { fill: currentColor; } .time-line .before { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-dasharray: 3 2; } .time-line text { font-size: 11.5px; fill: var(--soft); paint-order: stroke; stroke: var(--card); stroke-width: 6px; }
.time-line .ends { display: flex; justify-content: space-between; font-size: 11.5px; color: var(--soft); }
details { margin: 8px 0; } summary { cursor: pointer; font-size: 14.5px; } summary b { font-weight: 600; }
/* Not the folded first pass inside. */ .read > details { border-left: 3px solid var(--tone); padding-left: 13px; margin: 0 0 12px; } .read > details > summary { line-height: 1.6; }
.verdict { font-size: 13.5px; padding: 1px 9px; border-radius: 99px; white-space: nowrap; } .verdict.right { background: var(--good-wash); color: var(--good); } .verdict.wrong { background: var(--bad-wash); color: var(--bad); }
.gist { display: block; color: var(--soft); font-size: 13.5px; padding-left: 17px; line-height: 1.4; unicode-bidi: isolate; overflow-wrap: anywhere; } details[open] > summary .gist { display: none; } .iou { font-size: 13px; color: var(--soft); margin-left: 8px; white-space: nowrap; }
.completion { font-size: 14.5px; line-height: 1.5; unicode-bidi: isolate; overflow-wrap: anywhere; margin-top: 8px; } .completion p { margin: 0 0 8px; }
.completion b { display: block; font-size: 12.5px; color: var(--soft); font-weight: 600; } .completion details { margin: 0 0 8px; } .completion summary { font-size: 13px; color: var(--soft); } .completion details[open] { border-bottom: 1px dashed var(--line); }
.field.when { white-space: nowrap; } .field i { font-style: normal; font-size: 11.5px; color: var(--soft); margin-right: 4px; } .field { background: var(--still-wash); border-radius: 4px; padding: 0 5px; -webkit-box-decoration-break: clone; box-decoration-break: clone; }

.stage { margin-bottom: 22px; } .curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 16px; }
.curve { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px 9px; min-width: 0; }
.curve figcaption { font-size: 14px; display: flex; flex-wrap: wrap; gap: 0 12px; align-items: baseline; min-height: 22px; margin-bottom: 4px; } .curve output { margin-left: auto; font-size: 12.5px; color: var(--soft); font-variant-numeric: tabular-nums; }
.legend { font-size: 12.5px; } .legend span, .key { color: var(--soft); white-space: nowrap; } .legend span + span { margin-left: 9px; } .legend span::before, .key::before { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 50%; background: var(--tone); margin-right: 5px; }
.warning { color: var(--warn); font-size: 12.5px; font-weight: 600; } .warning::before { content: "⚠ "; } .warnings { color: var(--warn); font-size: 14.5px; }
.plot { display: grid; grid-template-columns: 42px minmax(0, 1fr); margin: 12px 4px 6px 0; } .y-axis { position: relative; font-size: 11.5px; color: var(--soft); font-variant-numeric: tabular-nums; } .y-axis span { position: absolute; right: 8px; transform: translateY(50%); line-height: 1; }
.area { position: relative; height: 144px; } .area svg { position: absolute; inset: 0; width: 100%; height: 100%; } .small .area { height: 92px; }
.area .grid { stroke: var(--grid); vector-effect: non-scaling-stroke; } .line { fill: none; stroke: var(--tone); stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; stroke-linecap: round; } .line.raw { stroke-width: 1; opacity: .38; }
.mark { stroke: var(--warn); stroke-dasharray: 5 4; vector-effect: non-scaling-stroke; } .mark-label.left { left: 2px; } .mark-label.right { right: 2px; } .mark-label { position: absolute; font-size: 11.5px; line-height: 1; color: var(--warn); padding: 2px 4px; margin: 2px 0; border-radius: 3px; background: color-mix(in srgb, var(--card) 78%, transparent); pointer-events: none; } .mark-label.below { transform: translateY(100%); margin: -2px 0; }
.cursor { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--soft); pointer-events: none; } .x-axis { display: flex; justify-content: space-between; margin-left: 42px; font-size: 11.5px; color: var(--soft); }


.rows.composition { max-width: 760px; margin: 12px 0 18px; row-gap: 7px; } .composition .head { font-size: 13px; color: var(--soft); } .composition .key + .key { margin-left: 12px; } .composition .name small { display: block; }
.stack rect { fill: var(--tone); } .reasons { display: flex; flex-wrap: wrap; gap: 2px 26px; list-style: none; padding: 0; font-size: 14.5px; }
.theirs { background: var(--theirs); border: 1px dashed var(--soft); border-radius: 10px; padding: 26px 26px 12px; margin: 44px 0; } .theirs + section { border-top: 0; padding-top: 6px; }
footer { padding-top: 10px; padding-bottom: 44px; font-size: 13px; color: var(--soft); }

@media (max-width: 960px) { .cards { grid-template-columns: 1fr 1fr; } }
@media (max-width: 700px) {
  .panels { grid-template-columns: minmax(0, 1fr); }
  main, body > header, nav ul, footer { padding-left: 16px; padding-right: 16px; } body > header { padding-top: 28px; } body { font-size: 15.5px; } .lede { font-size: 17px; }
  h2 { font-size: 25px; } section { padding-top: 32px; } .cards { grid-template-columns: 1fr 1fr; gap: 10px; } .card { padding: 12px 13px; } .card .big { font-size: 29px; } .card .say { font-size: 16px; }
  .panel, .example, .curve { padding: 13px 13px 10px; } .example { grid-template-columns: minmax(0, 1fr); } .look { position: static; } .truth-name { margin-left: 0; }
  .rows { grid-template-columns: minmax(84px, 34%) minmax(60px, 1fr) max-content; column-gap: 12px; font-size: 13px; } .gains .rows { grid-template-columns: minmax(0, 1fr); }
  .rows .name code { overflow-wrap: anywhere; } .theirs { padding: 18px 15px 8px; }
  table.main th[scope=row] { position: sticky; left: 0; background: var(--paper); max-width: 128px; white-space: normal; }
}
`;
