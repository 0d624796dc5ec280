/** Names of environment variables whose values are secrets: keys, tokens and passwords, not paths of files with them. */
const secretName = /(SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY$|PAYLOAD_KEYS|KEY_DATA)/i;
const pathName = /_(PATH|FILE)$/i;
/** A shorter value is part of too many words to be taken out of them. */
const shortestSecret = 8;
const mask = '***';

/** What carries credentials by its form: user and password in a URL, signatures of presigned URLs, bearer tokens. */
const forms: readonly [RegExp, string][] = [
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${mask}@`],
  [
    /([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId)=)[^&\s"'<>]+/gi,
    `$1${mask}`,
  ],
  [/\b(Bearer\s+)[\w.~+/=-]+/gi, `$1${mask}`],
];

/**
 * A text for a log, a history or a person, without the credentials that a library's message may have put into it: those
 * that show by their form, and the values of secret environment variables of this process.
 */
export function redact(text: string, env: NodeJS.ProcessEnv = process.env): string {
  const known = Object.entries(env)
    .filter(([name]) => secretName.test(name) && !pathName.test(name))
    .flatMap(([, value]) => [value ?? '', ...(value ?? '').split(/[,:]/)])
    .map((value) => value.trim())
    .filter((value) => value.length >= shortestSecret)
    .sort((a, b) => b.length - a.length);
  const withoutValues = known.reduce((rest, value) => rest.replaceAll(value, mask), text);
  return forms.reduce((rest, [form, replacement]) => rest.replace(form, replacement), withoutValues);
}

/** {@link redact} for every text in a JSON value. */
export function redactJson(value: unknown): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map(redactJson);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactJson(inner)]));
}
