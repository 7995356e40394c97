/**
 * The settings of a training, and their text in the address. No DOM.
 *
 * The text names the data and what differs from the default of these data:
 * `digits_d1_b4_tanh_s3_nokl` is the digits with one latent dimension, beta 4, tanh, seed 3 and no KL.
 * What was changed on the way follows with its step: `digits_500~nokl`.
 *
 * @typedef {object} Settings
 * @property {string} data  "digits", "mnist" or "pictures", which never leave the page
 * @property {number} latentDim  1 to 3
 * @property {number} width  units of the hidden layer, of the encoder's and of the decoder's
 * @property {string} activation
 * @property {string} likelihood  "bernoulli" or "gaussian"
 * @property {number} seed  of the first weights
 * @property {number} noise  seed of the order of the pictures and of the noise
 * @property {number} beta  weight of the rate
 * @property {number} learningRate
 * @property {boolean} kl  whether the loss has the rate
 * @property {boolean} sampling  whether z is sampled; else it is the mean
 * @property {boolean} decoderLearns
 * @property {Change[]} changes  in order of their steps
 *
 * @typedef {{step: number, name: string, value: number | boolean}} Change  after so many steps
 */

export const ACTIVATIONS = ["tanh", "relu", "silu", "leaky-relu"];
export const LIKELIHOODS = ["bernoulli", "gaussian"];
/** Settings that may change on the way; others need other weights, or another order of the pictures. */
export const CHANGEABLE = ["beta", "learningRate", "kl", "sampling", "decoderLearns"];
/** Pictures in a minibatch. */
const BATCH = { digits: 50, mnist: 100, pictures: 50 };
const MOST_CHANGES = 40;

const COMMON = {
  latentDim: 2, activation: "relu", likelihood: "bernoulli", seed: 0, noise: 0, beta: 1, kl: true, sampling: true, decoderLearns: true,
};
/** The first settings of each kind of data. @type {Record<string, Settings>} */
export const DEFAULTS = {
  digits: { data: "digits", width: 128, learningRate: 0.005, ...COMMON, changes: [] },
  mnist: { data: "mnist", width: 256, learningRate: 0.002, ...COMMON, changes: [] },
  pictures: { data: "pictures", width: 128, learningRate: 0.002, ...COMMON, changes: [] },
};

/** Letters before numbers in the text: the setting, its least and its largest value, and whether it is whole. */
const NUMBERS = {
  d: ["latentDim", 1, 3, true],
  w: ["width", 4, 512, true],
  b: ["beta", 0, 1000, false],
  r: ["learningRate", 1e-5, 0.1, false],
  s: ["seed", 0, 2 ** 31 - 1, true],
  n: ["noise", 0, 2 ** 31 - 1, true],
};
/** Words in the text, and what they set. */
const WORDS = {
  ...Object.fromEntries(ACTIVATIONS.map((name) => [name, ["activation", name]])),
  ...Object.fromEntries(LIKELIHOODS.map((name) => [name, ["likelihood", name]])),
  kl: ["kl", true], nokl: ["kl", false],
  sampling: ["sampling", true], nosampling: ["sampling", false],
  learning: ["decoderLearns", true], frozen: ["decoderLearns", false],
};

/** Pictures in a minibatch. @param {Settings} settings */
export const batchSize = ({ data }) => BATCH[data];

/** Whether a number is one that a setting may have. */
export function allowed(name, value) {
  const [, least, most, whole] = Object.values(NUMBERS).find(([one]) => one === name);
  return Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value));
}

/** Read one word. @returns {[string, any] | null} a setting and its value */
function readWord(word) {
  if (Object.hasOwn(WORDS, word)) return WORDS[word];
  const [, letter, digits] = word.match(/^([a-z])(\d+(?:\.\d+)?(?:e-\d+)?)$/) ?? [];
  if (letter === undefined || !Object.hasOwn(NUMBERS, letter)) return null;
  const [name] = NUMBERS[letter];
  return allowed(name, Number(digits)) ? [name, Number(digits)] : null;
}

function writeWord(name, value) {
  const word = Object.entries(WORDS).find(([, [one, set]]) => one === name && set === value);
  return word?.[0] ?? `${Object.keys(NUMBERS).find((letter) => NUMBERS[letter][0] === name)}${value}`;
}

/**
 * Read a text.
 *
 * @param {string | null | undefined} text
 * @returns {{settings: Settings, ignored: string[]}} words that are unknown or not allowed are named
 */
export function readSettings(text) {
  const [data, ...words] = (text || "digits").split("_");
  if (!Object.hasOwn(DEFAULTS, data)) return { settings: DEFAULTS.digits, ignored: [data] };
  const settings = { ...DEFAULTS[data], changes: [] };
  const ignored = [];
  for (const word of words) {
    const [, step, changed] = word.match(/^(\d{1,9})~(.+)$/) ?? [];
    const read = readWord(changed ?? word);
    const late = step !== undefined && (!CHANGEABLE.includes(read?.[0]) || settings.changes.length >= MOST_CHANGES);
    if (read === null || late) ignored.push(word);
    else if (step === undefined) settings[read[0]] = read[1];
    else settings.changes.push({ step: Number(step), name: read[0], value: read[1] });
  }
  settings.changes.sort((one, other) => one.step - other.step);
  return { settings, ignored };
}

/** Write a text that `readSettings` reads. @param {Settings} settings @returns {string} */
export function writeSettings(settings) {
  const usual = DEFAULTS[settings.data];
  const differing = Object.keys(usual).filter((name) => name !== "changes" && settings[name] !== usual[name]);
  const words = differing.map((name) => writeWord(name, settings[name]));
  const changes = settings.changes.map(({ step, name, value }) => `${step}~${writeWord(name, value)}`);
  return [settings.data, ...words, ...changes].join("_");
}

/** The settings after so many steps. @param {Settings} settings @returns {Settings} without changes */
export function settingsAt(settings, step) {
  const until = settings.changes.filter((change) => change.step <= step);
  return { ...settings, ...Object.fromEntries(until.map(({ name, value }) => [name, value])), changes: [] };
}

/** Change a setting after so many steps; at the start it is the first value. Later changes stay. @returns {Settings} */
export function changed(settings, step, name, value) {
  if (step === 0) return { ...settings, [name]: value };
  const after = settings.changes.filter((change) => change.step > step);
  const before = settings.changes.filter((change) => change.step < step || (change.step === step && change.name !== name));
  const same = settingsAt({ ...settings, changes: before }, step)[name] === value;
  const changes = [...before, ...(same ? [] : [{ step, name, value }]), ...after];
  if (changes.length <= MOST_CHANGES) return { ...settings, changes };
  throw new RangeError(`a training has at most ${MOST_CHANGES} changes on its way; reset it to go on`);
}
