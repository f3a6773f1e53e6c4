/** The database client. Functions of this folder take it first; nothing else knows Prisma. */
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient, type Prisma } from './generated/client.ts';

export type Store = PrismaClient;
/** A store inside of a transaction. */
export type Transaction = Prisma.TransactionClient;
export type StoreOrTransaction = Store | Transaction;

/** Prisma's own limits (2 s to begin, 5 s to end) are short for a machine whose cores all train. */
const TRANSACTIONS = { maxWait: 15_000, timeout: 30_000 };

/** Connects lazily. Close with `store.$disconnect()`. */
export function openStore(databaseUrl: string): Promise<Store> {
  const adapter = new PrismaPg({ connectionString: databaseUrl, max: 10, connectionTimeoutMillis: 10_000 });
  return Promise.resolve(new PrismaClient({ adapter, transactionOptions: TRANSACTIONS }));
}

/** JSON as Prisma takes it: `undefined` left out, and nothing that is no JSON. */
export function toJson(value: unknown): Prisma.InputJsonValue {
  return JSON.parse(JSON.stringify(value)) as Prisma.InputJsonValue;
}

export function isUniqueViolation(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'P2002';
}
