/**
 * The cloze reader in the names of its TensorFlow 1.2 program; the word vectors come from the pickle beside it.
 * https://github.com/bojone/CCL_CMRC2017
 */
import type { GoogleNames } from './google.ts';

/** Name under which the word vectors of `model.config` stand beside the checkpoint's tensors. */
export const WORD_VECTORS = 'embedding_array';

const cell = (direction: string) => ({
  kernel: `LSTM_{i}/bidirectional_rnn/${direction}/basic_lstm_cell/kernel`,
  bias: `LSTM_{i}/bidirectional_rnn/${direction}/basic_lstm_cell/bias`,
});

/** Names of a cloze reader. */
export const clozeBilstm: GoogleNames = {
  layers: {
    'Padding-Vector': { embeddings: 'Variable' },
    'Word-Vectors': { embeddings: WORD_VECTORS },
    'LSTM-{i}-Forward': cell('fw'),
    'LSTM-{i}-Backward': cell('bw'),
  },
};
