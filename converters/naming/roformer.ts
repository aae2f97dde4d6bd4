/**
 * RoFormer as Zhuiyi publishes it: BERT's names without a position table; nothing is stored for rotary positions.
 * https://github.com/ZhuiyiTechnology/roformer
 */
export { nezha as roformer } from './nezha.ts';
