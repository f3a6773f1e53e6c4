/** Numbers the places of dropout in one pass through a model, so that each gets a mask of its own. */
import type { Tensor } from '../tensor/backend.ts';
import { dropout } from '../tensor/ops.ts';

export type Dropout = (x: Tensor) => Tensor;

/** @param seed int32 scalar, another one at each step */
export function dropoutSites(rate: number, seed: Tensor): Dropout {
  let site = 0;
  return (x) => dropout(x, { rate, seed, site: site++ });
}

/** For inference. */
export const noDropout: Dropout = (x) => x;
