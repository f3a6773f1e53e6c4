/** Every error of the domain: a stable code, its HTTP status, a title, and a message that carries the values. */

/** Where in an input something is wrong. */
export interface Place {
  /** RFC 6901 pointer into a JSON body. */
  readonly pointer?: string;
  readonly line?: number;
  readonly column?: number;
  readonly detail: string;
}

interface ErrorKind<V> {
  readonly status: number;
  readonly title: string;
  readonly message: (values: V) => string;
}

const kind = <V>(status: number, title: string, message: (values: V) => string): ErrorKind<V> => ({ status, title, message });

/** Codes are part of the contract (OpenAPI lists them): add, never rename. */
export const ERRORS = {
  INTERNAL: kind<object>(500, 'Internal error', () => 'Something went wrong on our side'),
  ENCODER_UNSUPPORTED: kind<{ key: string; found: string; expected: string }>(422, 'Encoder not supported', (v) => `The encoder's ${v.key} is ${v.found}, expected ${v.expected}`),
  ENCODER_INVALID: kind<{ path: string; detail: string }>(422, 'Encoder is broken', (v) => `${v.path}: ${v.detail}`),
  ENCODER_NOT_FOUND: kind<{ encoderId: string; installed: string }>(404, 'No such encoder', (v) => `There is no encoder "${v.encoderId}"; installed: ${v.installed}`),
  SAFETENSORS_INVALID: kind<{ path: string; detail: string }>(422, 'Broken safetensors file', (v) => `${v.path}: ${v.detail}`),
  BACKEND_UNAVAILABLE: kind<{ detail: string }>(500, 'TensorFlow cannot be loaded', (v) => `TensorFlow cannot be loaded: ${v.detail}. Run "npx mtmt doctor"`),
  DEVICE_UNAVAILABLE: kind<{ expected: string; found: string }>(500, 'Device not available', (v) => `The device ${v.expected} was asked for, TensorFlow uses ${v.found}. Run "npx mtmt doctor"`),
  STEP_NOT_RECORDABLE: kind<{ op: string; detail: string }>(500, 'A step cannot be compiled', (v) => `The op ${v.op} ${v.detail}`),
  PROGRAM_MISUSED: kind<{ detail: string }>(500, 'A compiled program was misused', (v) => `A compiled program: ${v.detail}`),
  SHAPE_MISMATCH: kind<{ name: string; expected: string; found: string }>(500, 'Shapes disagree', (v) => `${v.name} has the shape ${v.found}, expected ${v.expected}`),
  OPTION_UNKNOWN_FOR_KIND: kind<{ option: string; kind: string }>(422, 'Option does not apply', (v) => `The option ${v.option} does not apply to a ${v.kind}`),
  OPTIONS_CONTRADICT: kind<{ detail: string }>(422, 'Options contradict each other', (v) => v.detail),
  TRAINING_EMPTY: kind<{ detail: string }>(422, 'Nothing to train on', (v) => v.detail),
  LOSS_NOT_FINITE: kind<{ step: number; loss: number }>(500, 'The loss is not finite', (v) => `The loss is ${v.loss} at step ${v.step}; a lower learning rate may help`),
  CHECKPOINT_NOT_FOUND: kind<{ checkpointId: string }>(404, 'No such checkpoint', (v) => `There is no checkpoint "${v.checkpointId}"`),
  CHECKPOINT_INVALID: kind<{ detail: string }>(422, 'Broken checkpoint', (v) => `This is no checkpoint: ${v.detail}`),
  CHECKPOINT_BROKEN: kind<{ checkpointId: string; detail: string }>(500, 'Broken checkpoint', (v) => `The checkpoint ${v.checkpointId} is broken: ${v.detail}`),
  CHECKPOINT_MISMATCH: kind<{ checkpointId: string; what: string; expected: string; found: string }>(409, 'Checkpoint and encoder disagree', (v) => `The ${v.what} is ${v.expected} in the checkpoint ${v.checkpointId} and ${v.found} here`),
  ENCODER_CHANGED: kind<{ encoderId: string; expected: string; found: string }>(409, 'Encoder has changed', (v) => `The encoder ${v.encoderId} has the digest ${v.found} on this machine, the run was submitted with ${v.expected}`),
  RESUME_MISMATCH: kind<{ step: number; what: string; expected: string; found: string }>(409, 'Resume point and run disagree', (v) => `The resume point of step ${v.step} has ${v.expected} as its ${v.what}, the run has ${v.found}; clone the run to train from the beginning`),
  TEACHER_NOT_FOUND: kind<{ id: string }>(422, 'No such teacher', (v) => `There is no run or checkpoint "${v.id}" to learn from`),
  TEACHER_WITHOUT_CHECKPOINT: kind<{ runId: string }>(409, 'Teacher without weights', (v) => `The teacher ${v.runId} has no checkpoint`),
  TEACHER_ROLE: kind<{ detail: string }>(422, 'Teachers do not fit', (v) => `The teachers do not fit: ${v.detail}`),
  TEACHER_ENCODER: kind<{ runId: string; expected: string; found: string }>(422, 'Teacher has another encoder', (v) => `The teacher ${v.runId} has the encoder ${v.found}, the student ${v.expected}`),
  DATASET_NOT_FOUND: kind<{ datasetId: string }>(404, 'No such dataset', (v) => `There is no dataset "${v.datasetId}"`),
  DATASET_ROLE: kind<{ detail: string }>(422, 'Dataset does not fit', (v) => `The datasets do not fit: ${v.detail}`),
  DATASETS_MISSING: kind<{ kind: string; role: string }>(422, 'Datasets missing', (v) => `A ${v.kind} needs at least one dataset in datasets.${v.role}`),
  LABELS_DIFFER: kind<{ id: string; expected: string; found: string }>(422, 'Label sets differ', (v) => `${v.id} has the labels ${v.found || '(none)'}, expected ${v.expected || '(none)'}`),
  RUN_NOT_FOUND: kind<{ runId: string }>(404, 'No such run', (v) => `There is no run "${v.runId}"`),
  RUN_ENDED: kind<{ runId: string; status: string }>(409, 'Run has ended', (v) => `The run ${v.runId} has ${v.status}`),
  RUN_NOT_RESUMABLE: kind<{ runId: string; status: string }>(409, 'Run cannot be resumed', (v) => `The run ${v.runId} is ${v.status}; only a failed or cancelled run is resumed`),
  DATABASE_URL_MISSING: kind<object>(500, 'No database', () => 'DATABASE_URL is not set; "npm start" starts a Postgres and sets it'),
  CONFIG_INVALID: kind<{ name: string; found: string; expected: string }>(500, 'Configuration is wrong', (v) => `${v.name} is "${v.found}", expected ${v.expected}`),
  POSTGRES_UNAVAILABLE: kind<{ detail: string }>(503, 'Postgres is not available', (v) => `The embedded Postgres cannot be started: ${v.detail}`),
  LOCK_HELD: kind<{ path: string; holder: string }>(503, 'A lock is held', (v) => `${v.path} is held by process ${v.holder}`),
  MIGRATION_CHANGED: kind<{ name: string; expected: string; found: string }>(500, 'A migration has changed', (v) => `The migration ${v.name} was applied with checksum ${v.expected}, its file has ${v.found}; migrations are never edited`),
  MIGRATION_FAILED: kind<{ name: string; detail: string }>(500, 'A migration failed', (v) => `The migration ${v.name} failed and nothing of it was kept: ${v.detail}`),
  MIGRATION_UNKNOWN: kind<{ name: string }>(500, 'The database is newer', (v) => `The database has the migration ${v.name}, which this version of mtmt does not have; update mtmt`),
  PORT_TAKEN: kind<{ host: string; port: number }>(500, 'Port in use', (v) => `Port ${v.port} of ${v.host} is in use; set PORT or TAGGER_PORT, or FREE_PORTS=on`),
  SERVICE_NOT_LIVE: kind<{ seconds: number }>(500, 'The service does not start', (v) => `API and tagger did not start within ${v.seconds} s; the log says why`),
  CURSOR_INVALID: kind<{ cursor: string }>(400, 'Cursor is not valid', (v) => `"${v.cursor}" is no cursor that a list has given`),
  DATASET_NAME_TAKEN: kind<{ name: string; expected: string; found: string }>(409, 'Name is taken', (v) => `The dataset "${v.name}" has other content (${v.expected}, this is ${v.found}), or another kind, language or split`),
  DATASET_IN_USE: kind<{ datasetId: string; runId: string }>(409, 'Dataset is in use', (v) => `The dataset ${v.datasetId} is used by the live run ${v.runId}`),
  EXPERIMENT_NAME_TAKEN: kind<{ name: string }>(409, 'Name is taken', (v) => `There is an experiment "${v.name}"`),
  EXPERIMENT_NOT_FOUND: kind<{ experimentId: string }>(404, 'No such experiment', (v) => `There is no experiment "${v.experimentId}"`),
  EXPERIMENT_IN_USE: kind<{ experimentId: string; runId: string }>(409, 'Experiment is in use', (v) => `The experiment ${v.experimentId} has the live run ${v.runId}`),
  RUN_IN_USE: kind<{ runId: string; detail: string }>(409, 'Run is in use', (v) => `The run ${v.runId} cannot be deleted: ${v.detail}`),
  MODEL_NOT_FOUND: kind<{ model: string }>(404, 'No such model', (v) => `There is no model "${v.model}"`),
  NO_MODEL: kind<object>(409, 'No model yet', () => 'There is no model yet: the first student that succeeds becomes the model "default", or PUT /models/default'),
  MODEL_CANNOT_TAG: kind<{ checkpointId: string; kind: string }>(422, 'Model cannot tag', (v) => `The checkpoint ${v.checkpointId} is an ${v.kind}'s and has no tags`),
  NER_INPUT_INVALID: kind<{ detail: string }>(400, 'Request is not valid', (v) => v.detail),
  TEXT_NOT_UNICODE: kind<{ pointer: string; index: number }>(422, 'Text is not Unicode', (v) => `${v.pointer} has half a surrogate pair at the UTF-16 index ${v.index}`),
  TEXT_TOO_LONG: kind<{ pointer: string; found: number | string; expected: number; unit: string }>(422, 'Text is too long', (v) => `${v.pointer} has ${v.found} ${v.unit}, at most ${v.expected} are read`),
  OVERLOADED: kind<{ requests: number; pieces: number; retryAfterSeconds: number }>(503, 'Too busy', (v) => `${v.requests} requests are at work or waiting, with ${v.pieces} pieces to read; try again in ${v.retryAfterSeconds} s`),
  CLIENT_GONE: kind<object>(499, 'Client has gone', () => 'The client has closed its connection before the answer'),
  TAGGER_UNAVAILABLE: kind<{ detail: string }>(503, 'The tagger is not available', (v) => `The tagger is not available: ${v.detail}`),
  LABEL_CONFIG_INVALID: kind<{ detail: string }>(422, 'Label config does not fit', (v) => `The label config does not fit: ${v.detail}`),
  BACKEND_CANNOT_TRAIN: kind<object>(422, 'Not trained from here', () => 'Label Studio cannot start a training here: upload its export as a dataset, then start a run'),
  DATASET_INVALID: kind<{ count: number; first: string }>(422, 'Dataset cannot be read', (v) => `The dataset has ${v.count} error${v.count === 1 ? '' : 's'} and was not stored; the first: ${v.first}`),
  STORAGE_UNAVAILABLE: kind<{ place: string; detail: string }>(503, 'Artifact storage is not available', (v) => `The artifact storage ${v.place} cannot be used: ${v.detail}`),
  STORAGE_FOREIGN: kind<{ place: string; count: number }>(409, 'Artifacts of another database', (v) => `The database needs none of the ${v.count} artifacts in ${v.place}: it may be the wrong one. --all removes them all the same`),
  ARTIFACT_NOT_FOUND: kind<{ key: string }>(500, 'Artifact is missing', (v) => `The artifact ${v.key} is not in storage`),
  ARTIFACT_DAMAGED: kind<{ key: string; detail: string }>(500, 'Artifact is damaged', (v) => `The artifact ${v.key} is damaged: ${v.detail}`),
  METHOD_NOT_ALLOWED: kind<{ method: string; allowed: string }>(405, 'Method not allowed', (v) => `${v.method} is not allowed here; allowed: ${v.allowed}`),
  ROUTE_NOT_FOUND: kind<{ route: string }>(404, 'No such route', (v) => `There is no ${v.route}`),
  REQUEST_INVALID: kind<{ detail: string }>(400, 'Request is not valid', (v) => v.detail),
  BODY_MISSING: kind<object>(400, 'Body is missing', () => 'The request has no body; send JSON or multipart/form-data'),
  MEDIA_TYPE: kind<object>(415, 'Media type not supported', () => 'The content type is not supported here'),
  UPLOAD_TOO_LARGE: kind<{ maxBytes: number }>(413, 'Upload is too large', (v) => `The file has more than ${v.maxBytes} bytes (MAX_UPLOAD_BYTES); nothing of it was stored`),
  DATASET_FIELDS: kind<{ detail: string }>(400, 'Fields of the dataset are wrong', (v) => v.detail),
  DATASET_KIND: kind<{ datasetId: string; detail: string }>(422, 'Dataset is of another kind', (v) => `The dataset ${v.datasetId} does not fit: ${v.detail}`),
  UNAUTHORIZED: kind<object>(401, 'No valid API key', () => 'Send the header Authorization: Bearer <key> with a key of API_KEYS_FILE, or the key as the password of Basic'),
  RANGE_UNSATISFIABLE: kind<{ range: string; sizeBytes: number }>(416, 'Range cannot be satisfied', (v) => `The range ${v.range} lies outside of ${v.sizeBytes} bytes`),
  BODY_TOO_LARGE: kind<{ sizeBytes: number | null; maxBytes: number }>(
    413,
    'Body is too large',
    (v) => `The body has ${v.sizeBytes ?? `more than ${v.maxBytes}`} bytes, at most ${v.maxBytes} are taken; send texts in several requests, and a dataset as a file (multipart/form-data)`,
  ),
  TEXT_NOT_STORABLE: kind<{ pointer: string; what: string; index: number }>(400, 'Text cannot be kept', (v) => `${v.pointer} has ${v.what} at the UTF-16 index ${v.index}`),
  FILTER_INVALID: kind<{ detail: string }>(400, 'Filter is not valid', (v) => v.detail),
  IDEMPOTENCY_KEY_INVALID: kind<object>(400, 'Idempotency key is not valid', () => 'An Idempotency-Key has 1 to 255 characters'),
  IDEMPOTENCY_KEY_REUSED: kind<{ key: string }>(422, 'Idempotency key was used for something else', (v) => `The Idempotency-Key "${v.key}" came with another body before`),
  IDEMPOTENCY_KEY_BUSY: kind<{ key: string }>(409, 'Request is under way', (v) => `The first request with the Idempotency-Key "${v.key}" has not ended`),
} satisfies Record<string, ErrorKind<never>>;

export type ErrorCode = keyof typeof ERRORS;
type ValuesOf<C extends ErrorCode> = Parameters<(typeof ERRORS)[C]['message']>[0];

interface ErrorOptions {
  readonly cause?: unknown;
  readonly errors?: readonly Place[];
  /** With 503: when it is worth while to try again. */
  readonly retryAfterSeconds?: number;
}

export class MtmtError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly errors?: readonly Place[];
  readonly retryAfterSeconds?: number;

  constructor(code: ErrorCode, message: string, { cause, errors, retryAfterSeconds }: ErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'MtmtError';
    this.code = code;
    this.status = ERRORS[code].status;
    this.title = ERRORS[code].title;
    if (errors !== undefined) this.errors = errors;
    if (retryAfterSeconds !== undefined) this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** `throw fail('LABELS_DIFFER', { expected, found })` */
export function fail<C extends ErrorCode>(code: C, values: ValuesOf<C>, options: ErrorOptions = {}): MtmtError {
  const message = (ERRORS[code].message as (values: ValuesOf<C>) => string)(values);
  return new MtmtError(code, message, options);
}
