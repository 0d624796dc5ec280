/**
 * Every word that reflections.ts writes of its own; the rest (perception words, reasons, times) stands in the targets. A
 * policy that is trained from scratch learns its vocabulary before any reflection exists, so it is given these texts.
 * A test holds them against reflections on random drafts.
 */
export const reflectionVocabulary: readonly string[] = [
  'looking again : quiet , left quiet , centre quiet , right quiet .',
  'my answer gave no clear verdict',
  'i answered normal but that is wrong',
  'i answered abnormal but that is wrong',
  ', and the form was broken : a tag came twice',
  ', and the form was broken : a part was missing or in the wrong place',
  '. i should have noted from to , since .',
  'i noted an event but no part of the video shows it , so nothing breaks the rules',
  'checking my answer : the verdict holds',
  'checking my answer : the verdict is right',
  'every part of the video was checked again , none shows an event .',
  'what happens is , not is noted',
  'but the reason can be said more clearly',
  'but the time is missing , and it goes',
  'but the time is off',
];
