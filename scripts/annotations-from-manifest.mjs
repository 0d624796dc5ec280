#!/usr/bin/env node
// Turns a video manifest (JSONL: file, anomaly, anomaly_class, anomaly_seconds, seen) into an annotation file that
// `kind: jsonl` sources read. Usage:
//   node scripts/annotations-from-manifest.mjs MANIFEST OUT [FOLDER]
// FOLDER keeps only the files below it, e.g. `real`. Paths in OUT are those of the manifest; set `videos` in the config
// to the manifest's folder. A file whose content nobody could judge (anomaly null) is labelled Normal: it is there to be
// rejected by the probe, with the right reason.
import { readFileSync, writeFileSync } from 'node:fs';

const [manifest, out, folder] = process.argv.slice(2);
if (manifest === undefined || out === undefined) {
  process.stderr.write('usage: node scripts/annotations-from-manifest.mjs MANIFEST OUT [FOLDER]\n');
  process.exit(2);
}

const rows = readFileSync(manifest, 'utf8')
  .split('\n')
  .flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line)];
    } catch {
      process.stderr.write(`${manifest}:${index + 1}: this line is not JSON\n`);
      process.exit(2);
    }
  });

const annotations = rows
  .filter(({ file }) => folder === undefined || file.startsWith(`${folder}/`))
  .map(({ file, anomaly, anomaly_class: category, anomaly_seconds: spans, seen }) => ({
    path: file,
    label: anomaly === true ? 'Abnormal' : 'Normal',
    ...(anomaly === true && category ? { category } : {}),
    ...(anomaly === true && spans?.length > 0 ? { spans } : {}),
    ...(typeof seen === 'string' && seen !== '' ? { description: seen.split('. ')[0] } : {}),
  }));
writeFileSync(out, annotations.map((row) => `${JSON.stringify(row)}\n`).join(''));
process.stderr.write(`${annotations.length} annotations in ${out}\n`);
