/** A published table, as printed by its authors: other data, other scale, not ours to compare with line by line. */
export interface PaperTable {
  readonly title: string;
  /** Where it is printed and on what it was measured. */
  readonly source: string;
  /** How its metrics relate to ours, by policy name. */
  readonly note: string;
  readonly columns: readonly string[];
  /** Shares in 0..1, or percent where the column says so; null where nothing is printed. */
  readonly rows: readonly { readonly model: string; readonly values: readonly (number | null)[] }[];
}

/** Figures the two papers (and the benchmark of the second) report. */
export const paperTables: readonly PaperTable[] = [
  {
    title: 'Vad-R1 on Vad-Reasoning test',
    source: 'arXiv 2505.19877; 438 videos, Qwen2.5-VL-7B, 16 frames',
    note: 'mIoU and R@k there are our vadr1_upstream policy; standard error about .02.',
    columns: ['Accuracy', 'Precision', 'F1', 'mIoU', 'R@0.3', 'R@0.5', 'R@0.7'],
    rows: [
      { model: 'Qwen2.5-VL-7B', values: [0.761, 0.768, 0.73, 0.567, 0.61, 0.563, 0.526] },
      { model: '+ SFT', values: [null, 0.712, null, 0.612, 0.677, 0.599, 0.535] },
      { model: '+ AVA-GRPO only', values: [null, 0.81, null, 0.675, 0.736, 0.661, 0.606] },
      { model: 'Vad-R1 (SFT + AVA-GRPO)', values: [0.875, 0.882, 0.862, 0.713, 0.77, 0.706, 0.651] },
      { model: 'GPT-4o', values: [0.711, null, 0.76, 0.472, 0.565, 0.476, null] },
      { model: 'Gemini 2.5 Pro', values: [0.829, null, 0.836, 0.636, 0.722, 0.638, null] },
      { model: 'o4-mini', values: [0.884, null, 0.875, 0.644, 0.736, 0.631, null] },
    ],
  },
  {
    title: 'Vad-R1: rewards',
    source: 'arXiv 2505.19877, reward ablation; 438 videos, 16 frames',
    note: 'vadr1_upstream. The differences in mIoU are inside the noise.',
    columns: ['Precision', 'mIoU', 'R@0.7'],
    rows: [
      { model: 'GRPO', values: [0.861, 0.712, 0.64] },
      { model: '+ length', values: [0.856, 0.71, 0.642] },
      { model: '+ verification', values: [0.866, 0.707, 0.638] },
      { model: 'AVA-GRPO', values: [0.882, 0.713, 0.651] },
    ],
  },
  {
    title: 'SRVAU-R1: grounding and question answering',
    source: 'arXiv 2602.01004; no code public, figures from its abstract and summaries',
    note: 'mIoU there is our abnormal_only policy, in percent; MSAD is out of domain for grounding.',
    columns: ['mIoU %', 'QA accuracy %'],
    rows: [
      { model: 'ECVA', values: [44.42, 92.22] },
      { model: 'MSAD', values: [20.4, 89.58] },
      { model: 'UCF-Crime', values: [null, 92.82] },
    ],
  },
  {
    title: 'VAU-R1: temporal grounding',
    source: 'arXiv 2505.23504; Qwen2.5-VL-3B before and after reinforcement fine-tuning, without think',
    note: 'abnormal_only, in percent.',
    columns: ['mIoU % before', 'mIoU % after'],
    rows: [
      { model: 'MSAD', values: [21.27, 35.77] },
      { model: 'ECVA', values: [14.21, 35.09] },
      { model: 'UCF-Crime', values: [10.91, 16.8] },
    ],
  },
];
