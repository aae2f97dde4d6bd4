/**
 * What rotary positions ask of a configuration.
 */
import type { ConfigReader } from './config-reader.ts';
import type { TransformerConfig } from './transformer-config.ts';

/** Notes in the reader what keeps the queries and keys of a model from being turned. */
export function refuseUnrotatable(read: ConfigReader, config: TransformerConfig): void {
  if (config.keySize % 2 !== 0)
    read.refuse('attention_key_size', `must be even, since elements turn in pairs, not ${config.keySize}`);
  if (config.customPositionIds && config.segmentVocabSize === 0)
    read.refuse('custom_position_ids', 'needs segments, since bert4keras takes the third input for positions');
}
