/**
 * TensorFlow's numbers for element types.
 * https://github.com/tensorflow/tensorflow/blob/1ae86a2aeb0b1e84dcbd557d8ed79322e99e4f91/tensorflow/core/framework/types.proto
 */
import type { DType } from '../../src/core/dtype.ts';

/** Types that a checkpoint gives, by number. */
export const DTYPES: ReadonlyMap<number, DType> = new Map([
  [1, 'float32'],
  [2, 'float64'],
  [3, 'int32'],
  [4, 'uint8'],
  [5, 'int16'],
  [6, 'int8'],
  [7, 'string'],
  [9, 'int64'],
  [10, 'bool'],
  [14, 'bfloat16'],
  [17, 'uint16'],
  [19, 'float16'],
  [22, 'uint32'],
  [23, 'uint64'],
]);

/** Types that TensorFlow has and no model here reads; a tensor of one is set aside by name. */
export const OTHER_TYPES: ReadonlyMap<number, string> = new Map([
  [8, 'complex64'],
  [11, 'qint8'],
  [12, 'quint8'],
  [13, 'qint32'],
  [15, 'qint16'],
  [16, 'quint16'],
  [18, 'complex128'],
  [20, 'resource'],
  [21, 'variant'],
  [24, 'float8_e5m2'],
  [25, 'float8_e4m3fn'],
  [29, 'int4'],
  [30, 'uint4'],
]);
