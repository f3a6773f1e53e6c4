/** What S3 and its SDK say, in our words. */
import { fail, MtmtError } from '../errors.ts';

/** HTTP status of an answer; undefined where there was none. */
function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

export function isMissing(error: unknown): boolean {
  return statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket';
}

/** The range begins at or after the end. */
export function isBeyondEnd(error: unknown): boolean {
  return statusOf(error) === 416;
}

/** @returns STORAGE_UNAVAILABLE saying what to do, where that can be told; errors of ours as they are */
export function storageFailure(error: unknown, { place, bucket }: { place: string; bucket: string }): MtmtError {
  if (error instanceof MtmtError) return error;
  return fail('STORAGE_UNAVAILABLE', { place, detail: detailOf(error, bucket) }, { cause: error });
}

function detailOf(error: unknown, bucket: string): string {
  const name = nameOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (name === 'CredentialsProviderError') return 'there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a profile or a role of the machine';
  if (/region is missing/i.test(message)) return 'there is no region; set AWS_REGION';
  switch (statusOf(error)) {
    case 301:
      return `the bucket "${bucket}" is in another region; set AWS_REGION`;
    case 401:
    case 403:
      return `the credentials may not do that in the bucket "${bucket}" (${name})`;
    case 404:
      return `there is no bucket "${bucket}"`;
    case undefined:
      return `it does not answer (${codeOf(error) ?? name}: ${message})`;
    default:
      return `it answers ${statusOf(error)} (${name}: ${message})`;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown error';
}

function codeOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
