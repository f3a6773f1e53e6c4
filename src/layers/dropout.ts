/** Numbers the places of dropout in one pass through a model, so that each gets a mask of its own. */
import { tf, type Tensor } from '../tensor/backend.ts';
import type { DropoutSite } from '../tensor/kernels.ts';

/** The next place. */
export type Dropout = () => DropoutSite;

/** @param seed int32 scalar, another one at each step */
export function dropoutSites(rate: number, seed: Tensor): Dropout {
  let site = 0;
  return () => ({ rate, seed, site: site++ });
}

/** For inference. */
export const noDropout: Dropout = () => ({ rate: 0, seed: tf.scalar(0, 'int32'), site: 0 });
