/** What people have in place of a checkpoint is called by its name. */
import assert from 'node:assert/strict';
import { foreignFile } from '../../converters/foreign-files.ts';
import { openCheckpoint } from '../../converters/formats.ts';
import { FormatError } from '../../src/core/errors.ts';
import { memorySet } from '../../src/io/memory.ts';

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** A zip's first entry. */
const zip = (name: string): string => `PK\x03\x04${'\0'.repeat(26)}${name}`;

const FILES: readonly (readonly [start: string, found: RegExp, next: RegExp])[] = [
  ['version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n', /a Git LFS pointer/, /git lfs pull/],
  ['\n<!DOCTYPE html><html lang="zh">', /a web page/, /download it again/],
  [zip('archive/data.pkl'), /a PyTorch file/, /TensorFlow and Keras/],
  [zip('pytorch_model/.format_version'), /a PyTorch file/, /TensorFlow and Keras/],
  ['\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M', /a PyTorch file/, /TensorFlow and Keras/],
  [zip('metadata.json'), /a Keras 3 archive/, /Keras 2/],
  [zip('chinese_L-12_H-768_A-12/'), /a zip archive/, /Unpack it/],
  ['\x1f\x8b\x08\0', /a gzip archive/, /Unpack it/],
  ['\x10\x27\0\0\0\0\0\0{"__metadata__":{}', /a safetensors file/, /TensorFlow and Keras/],
  ['\x08\x08\x12\x07pytorch', /an ONNX model/, /ONNX Runtime/],
];

describe('files of other kinds', () => {
  for (const [start, found, next] of FILES) {
    it(`are called ${found.source}`, async () => {
      const set = memorySet(new Map([['model.bin', latin1(start)]]));
      await assert.rejects(openCheckpoint(set, 'model.bin'), error => {
        assert.ok(error instanceof FormatError);
        assert.match(error.message, found);
        assert.match(error.message, next);
        return true;
      });
    });
  }

  it('are not made up', () => {
    for (const start of [
      '',
      '{',
      'PK',
      'model_checkpoint_path: "model.ckpt"',
      '\0\0\0\0\0\0\0\0{',
      '\x89HDF\r\n\x1a\n',
    ]) {
      assert.equal(foreignFile(latin1(start)), undefined);
    }
  });
});
