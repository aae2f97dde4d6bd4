/**
 * The page's words in both languages.
 */

/** Languages of the page. */
export type Language = 'zh' | 'en';

/** A word → what it says in each language. */
export const words = {
  language: { zh: '语言', en: 'Language' },
  intro: {
    zh: 'bert4keras 的权重在浏览器里转换成 ONNX 并直接运行，文件不会离开这台电脑。',
    en: 'bert4keras checkpoints are converted to ONNX and run right here; no file leaves this machine.',
  },
  choose: { zh: '一、选模型', en: '1. Choose a model' },
  bundled: { zh: '自带的小模型', en: 'Bundled model' },
  own: { zh: '用自己的文件', en: 'My own files' },
  drop: {
    zh: '拖入或选择：权重、config.json、词表',
    en: 'Drop or choose: weights, config.json, vocabulary',
  },
  preset: { zh: '模型类型', en: 'Kind of model' },
  device: { zh: '设备', en: 'Device' },
  convert: { zh: '转换并打开', en: 'Convert and open' },
  converting: { zh: '正在转换', en: 'Converting' },
  ready: { zh: '转换完成，可以试用了。', en: 'Converted; try it.' },
  try: { zh: '二、试一试', en: '2. Try it' },
  task: { zh: '任务', en: 'Task' },
  answer: { zh: '阅读理解', en: 'Reading comprehension' },
  chat: { zh: '闲聊', en: 'Chat' },
  complete: { zh: '续写', en: 'Completion' },
  fill: { zh: '完形（[MASK]）', en: 'Fill [MASK]' },
  cloze: { zh: '完形（选词）', en: 'Cloze' },
  question: { zh: '问题', en: 'Question' },
  message: { zh: '你说', en: 'You say' },
  prompt: { zh: '开头', en: 'Beginning' },
  masked: { zh: '含 [MASK] 的句子', en: 'A sentence with [MASK]' },
  blanked: { zh: '含 XXXXX 的短文，词间空格', en: 'A document with XXXXX, words apart' },
  passages: { zh: '篇章，一行一篇', en: 'Passages, one a line' },
  run: { zh: '运行', en: 'Run' },
  stop: { zh: '停止', en: 'Stop' },
  none: { zh: '（没有答案）', en: '(no answer)' },
  votes: { zh: '各篇对首字的投票', en: 'Votes of the passages on the first token' },
  dropped: { zh: '弃权', en: 'abstains' },
  architecture: { zh: '结构', en: 'Architecture' },
  scheme: { zh: '权重命名', en: 'Naming scheme' },
  size: { zh: '大小', en: 'Size' },
  converted: { zh: '转换用时', en: 'Converted in' },
  runsOn: { zh: '运行于', en: 'Runs on' },
  time: { zh: '用时', en: 'Time' },
  memory: { zh: '网页内存', en: 'Memory of the page' },
  missing: { zh: '还缺：', en: 'Missing: ' },
} as const satisfies Record<string, Record<Language, string>>;

/** A key of {@link words}. */
export type Word = keyof typeof words;
