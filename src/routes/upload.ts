/** A multipart upload: fields first, then one file that is streamed. */
import type { MultipartValue } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { Ajv } from 'ajv';
import type { Upload } from '../datasets/service.ts';
import { fail } from '../errors.ts';
import { placesOf } from '../plugins/places.ts';
import { refuseUnstorable } from '../plugins/validation.ts';
import { DatasetFields } from '../schemas/dataset.ts';

const validate = new Ajv({ allErrors: true, strict: false }).compile<DatasetFields>(DatasetFields);

/**
 * @param use reads the file to its end and keeps nothing that a failure afterwards would have to take back
 * @throws DATASET_FIELDS for fields that are missing, unknown or come after the file; UPLOAD_TOO_LARGE
 */
export async function readUpload<T>(request: FastifyRequest, use: (fields: Upload, source: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
  const fields: Record<string, unknown> = {};
  let used: { readonly value: T } | undefined;
  const maxBytes = request.server.dependencies.config.maxUploadBytes;
  for await (const part of request.parts()) {
    if (part.type === 'field') {
      if (used !== undefined) throw fail('DATASET_FIELDS', { detail: `/${part.fieldname} comes after the file; fields come before it` });
      take(fields, part);
      continue;
    }
    if (part.fieldname !== 'file') throw fail('DATASET_FIELDS', { detail: `the file is named "${part.fieldname}"; its name is "file"` });
    const { file } = part;
    try {
      used = { value: await use(checked(fields), file) };
    } catch (error) {
      // a file that was cut is also one whose last line is broken
      throw file.truncated ? fail('UPLOAD_TOO_LARGE', { maxBytes }, { cause: error }) : error;
    }
    if (file.truncated) throw fail('UPLOAD_TOO_LARGE', { maxBytes });
  }
  if (used === undefined) throw fail('DATASET_FIELDS', { detail: 'the file is missing; it comes after the fields' });
  return used.value;
}

function take(fields: Record<string, unknown>, { fieldname, value, valueTruncated }: MultipartValue): void {
  if (fieldname === 'file') throw fail('DATASET_FIELDS', { detail: 'the file is sent as a plain field; send it with a file name' });
  if (Object.hasOwn(fields, fieldname)) throw fail('DATASET_FIELDS', { detail: `/${fieldname} is given twice` });
  if (valueTruncated) throw fail('DATASET_FIELDS', { detail: `/${fieldname} is too long` });
  fields[fieldname] = fieldname === 'columns' ? parseColumns(value) : value;
}

function checked(fields: Record<string, unknown>): Upload {
  refuseUnstorable(fields, '');
  if (!validate(fields)) {
    const errors = placesOf('body', validate.errors ?? []).map((place) => ({ ...place, detail: place.detail.replace('is missing', 'is missing, or comes after the file') }));
    throw fail('DATASET_FIELDS', { detail: `${errors[0]?.pointer ?? ''} ${errors[0]?.detail ?? ''}` }, { errors });
  }
  const { format = 'auto', columns, ...rest } = fields;
  return { ...rest, format, ...(columns !== undefined && { columns }) };
}

/** `{"token": 1, "tag": 3}` */
function parseColumns(value: unknown): unknown {
  try {
    return JSON.parse(String(value)) as unknown;
  } catch {
    return value;
  }
}
