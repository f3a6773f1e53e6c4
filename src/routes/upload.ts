/** A multipart upload: fields first, then one file that is streamed. */
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { Ajv } from 'ajv';
import type { TSchema } from 'typebox';
import type { Upload } from '../datasets/service.ts';
import { fail, type Place } from '../errors.ts';
import type { DatasetFields } from '../schemas/dataset.ts';

const ajv = new Ajv({ allErrors: true, strict: false, useDefaults: true });

export interface ReadUpload {
  readonly fields: Upload;
  readonly source: AsyncIterable<Uint8Array>;
  /** After the source was read: what cannot be known before. @throws UPLOAD_TOO_LARGE */
  finish(): void;
}

/** @throws DATASET_FIELDS for fields that are missing, unknown or come after the file */
export async function readUpload(request: FastifyRequest, schema: TSchema): Promise<ReadUpload> {
  const part = await request.file();
  if (part === undefined) throw fail('DATASET_FIELDS', { detail: 'the file is missing; fields come before it' });
  const fields = fieldsOf(part);
  const validate = ajv.compile(schema);
  if (!validate(fields)) {
    const errors = (validate.errors ?? []).map(({ instancePath, params, message, keyword }): Place => {
      const name = keyword === 'required' ? `/${String(params['missingProperty'])}` : keyword === 'additionalProperties' ? `/${String(params['additionalProperty'])}` : instancePath;
      return { pointer: name, detail: keyword === 'required' ? 'is missing, or comes after the file' : (message ?? 'is not valid') };
    });
    part.file.resume();
    throw fail('DATASET_FIELDS', { detail: `${errors[0]?.pointer ?? ''} ${errors[0]?.detail ?? ''}` }, { errors });
  }
  const { format = 'auto', columns, ...rest } = fields as unknown as DatasetFields;
  return {
    fields: { ...rest, format, ...(columns !== undefined && { columns }) },
    source: part.file,
    finish: () => {
      if (part.file.truncated) throw fail('UPLOAD_TOO_LARGE', {});
    },
  };
}

function fieldsOf(part: MultipartFile): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(part.fields)) {
    const field = Array.isArray(value) ? value[0] : value;
    if (field === undefined || field.type !== 'field') continue;
    fields[name] = name === 'columns' ? parseColumns(field.value) : field.value;
  }
  return fields;
}

/** `{"token": 1, "tag": 3}` */
function parseColumns(value: unknown): unknown {
  try {
    return JSON.parse(String(value)) as unknown;
  } catch {
    return value;
  }
}
