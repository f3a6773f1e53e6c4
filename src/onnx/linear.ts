/** What multiplies by weights, in float32 or by 8-bit integers. */
import type { GraphBuilder } from './graph.ts';
import { scalesName } from './quantize.ts';

/** Float32 of the model, or int8 weights and inputs that become uint8 as it runs. */
export type Precision = 'float32' | 'int8';

/** Keeps a row of zeros from being divided by 0. */
const TINY = 1e-30;

export interface Weights {
  /** Rows of a table, `[rows, columns]`. @param ids int64 of any shape @returns that shape and `[columns]` */
  look(table: string, ids: string): string;
  /** @param x `[batch, sequence, in]` @param weight `[in, out]` @returns `[batch, sequence, out]` */
  multiply(x: string, weight: string, options?: { rowwise?: boolean }): string;
}

export function floatWeights(builder: GraphBuilder): Weights {
  return {
    look: (table, ids) => gather(builder, table, ids),
    multiply: (x, weight) => builder.add('MatMul', [x, weight]),
  };
}

/**
 * In the order that onnxruntime makes one kernel of (`DynamicQuantizeMatMul`, `MatMulIntegerToFloat`), as its `quantize_dynamic` writes it.
 * ONNX knows one scale for a whole tensor only. What feed-forward layers read is ten times as large for single pieces as for all others, of which one
 * scale then leaves a handful of integers: `rowwise` divides each piece's numbers by the largest one before. A student with an F1 of 72.85 and 74.50
 * on CoNLL's tests (es, nl) loses 0.2 and 0.8 without it, and with it gets 0.03 and 0.01 more (with weights of 8 bits; 2.3 and 2.7 ms for 32 pieces).
 * With attention's inputs too it was no better, and for one of both feed-forward layers alone nl lost 0.6 and 0.3.
 */
export function integerWeights(builder: GraphBuilder): Weights {
  const quantized = new Map<string, Quantized>(); // by input: queries, keys and values share one
  const quantize = (x: string, rowwise: boolean): Quantized => {
    const known = quantized.get(x);
    if (known !== undefined) return known;
    const made = rowwise ? quantizeRowwise(builder, x) : builder.quantize(x);
    quantized.set(x, made);
    return made;
  };
  return {
    look(table, ids) {
      const entries = builder.add('Cast', [gather(builder, table, ids)], { to: { i: 1 } });
      return builder.add('Mul', [entries, gather(builder, scalesName(table), ids)]);
    },
    multiply(x, weight, { rowwise = false } = {}) {
      const { numbers, scale, zero, rows } = quantize(x, rowwise);
      const products = builder.add('Cast', [builder.add('MatMulInteger', [numbers, weight, zero, builder.byte(0)])], { to: { i: 1 } });
      const scaled = builder.add('Mul', [products, builder.add('Mul', [scale, scalesName(weight)])]);
      return rows === undefined ? scaled : builder.add('Mul', [scaled, rows]);
    },
  };
}

interface Quantized {
  readonly numbers: string;
  readonly scale: string;
  readonly zero: string;
  /** What each row was divided by, `[batch, sequence, 1]`. */
  readonly rows?: string;
}

function quantizeRowwise(builder: GraphBuilder, x: string): Quantized {
  const largest = builder.add('ReduceMax', [builder.add('Abs', [x])], { axes: { ints: [-1] }, keepdims: { i: 1 } });
  const rows = builder.add('Max', [largest, builder.number(TINY)]);
  return { ...builder.quantize(builder.add('Div', [x, rows])), rows };
}

function gather(builder: GraphBuilder, table: string, ids: string): string {
  return builder.add('Gather', [table, ids], { axis: { i: 0 } });
}
