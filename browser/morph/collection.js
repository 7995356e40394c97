/**
 * Collected codes, the places that they are put into, and directions kept from them. No DOM.
 *
 * A collection is never changed: every function returns another one.
 *
 * @typedef {{id: number, label: string, z: Float32Array}} Card
 * @typedef {{name: string, z: Float32Array}} Direction
 * @typedef {object} Morph
 * @property {Card[]} cards
 * @property {(number | null)[]} path  ids of the ends of the path, null for an empty place
 * @property {(number | null)[]} terms  ids of A, B and C
 * @property {"linear" | "spherical"} kind
 * @property {Direction[]} directions
 */
import { analogy } from "./paths.js";

export const PLACES = { path: 4, terms: 3 };
const MOST_CARDS = 24;
const MOST_DIRECTIONS = 12;

/** @returns {Morph} */
export function emptyMorph() {
  return { cards: [], path: [null, null, null, null], terms: [null, null, null], kind: "spherical", directions: [] };
}

/**
 * Add a code, which becomes an end of the path where a place is free.
 *
 * @param {Morph} morph @param {string} label @param {Float32Array} z @returns {Morph}
 */
export function addCard(morph, label, z) {
  if (morph.cards.length >= MOST_CARDS) return morph;
  const id = 1 + Math.max(0, ...morph.cards.map((card) => card.id));
  const free = morph.path.indexOf(null);
  return {
    ...morph,
    cards: [...morph.cards, { id, label, z: Float32Array.from(z) }],
    path: morph.path.map((held, i) => (i === free ? id : held)),
  };
}

/** Remove a code and empty its places. @param {Morph} morph @param {number} id @returns {Morph} */
export function removeCard(morph, id) {
  const without = (places) => places.map((held) => (held === id ? null : held));
  return {
    ...morph,
    cards: morph.cards.filter((card) => card.id !== id),
    path: without(morph.path),
    terms: without(morph.terms),
  };
}

/**
 * Put a code into a place.
 *
 * @param {Morph} morph
 * @param {"path" | "terms"} group
 * @param {number} index
 * @param {number | null} id  null empties the place
 * @returns {Morph}
 */
export function place(morph, group, index, id) {
  return { ...morph, [group]: morph[group].map((held, i) => (i === index ? id : held)) };
}

/** The card of an id. @param {Morph} morph @param {number | null} id @returns {Card | null} */
export function cardOf(morph, id) {
  return morph.cards.find((card) => card.id === id) ?? null;
}

/** The ends of the path in order, without empty places. @param {Morph} morph @returns {Float32Array[]} */
export function pathEnds(morph) {
  return morph.path.map((id) => cardOf(morph, id)?.z).filter(Boolean);
}

/** A − B + C. @param {Morph} morph @returns {Float32Array | null} null while a term is missing */
export function sum(morph) {
  const [a, b, c] = morph.terms.map((id) => cardOf(morph, id)?.z);
  return a && b && c ? analogy(a, b, c) : null;
}

/** Whether B and C are there, and room for their direction. @param {Morph} morph */
export function canSaveDirection(morph) {
  const [, b, c] = morph.terms.map((id) => cardOf(morph, id));
  return b !== null && c !== null && morph.directions.length < MOST_DIRECTIONS;
}

/** Keep the step from B to C under a name. @param {Morph} morph @returns {Morph} the same where that cannot be */
export function saveDirection(morph) {
  if (!canSaveDirection(morph)) return morph;
  const [, b, c] = morph.terms.map((id) => cardOf(morph, id));
  const step = { name: `${b.label} → ${c.label}`, z: c.z.map((value, i) => value - b.z[i]) };
  return { ...morph, directions: [...morph.directions, step] };
}

/**
 * Move a code along directions.
 *
 * @param {Float32Array} z  (latent_dim)
 * @param {Direction[]} directions
 * @param {number[]} strengths  of each direction
 * @returns {Float32Array} (latent_dim)
 */
export function moveAlong(z, directions, strengths) {
  return z.map((value, i) => directions.reduce((sum, direction, k) => sum + strengths[k] * direction.z[i], value));
}

/** Remove a direction. @param {Morph} morph @param {number} index @returns {Morph} */
export function removeDirection(morph, index) {
  return { ...morph, directions: morph.directions.filter((_, i) => i !== index) };
}

/** A collection as JSON, for `read`. @param {Morph} morph */
export function write(morph) {
  const plain = (item) => ({ ...item, z: Array.from(item.z) });
  return { ...morph, cards: morph.cards.map(plain), directions: morph.directions.map(plain) };
}

/**
 * Read a collection.
 *
 * @param {any} value  of `write`, or only `{cards: [{label, z}]}`
 * @param {number} latentDim  codes of another length are left out
 * @returns {Morph}
 */
export function read(value, latentDim) {
  const fits = (item) => item?.z?.length === latentDim && Array.from(item.z).every(Number.isFinite);
  let morph = emptyMorph();
  for (const card of (value?.cards ?? []).filter(fits)) morph = addCard(morph, String(card.label), card.z);
  // Ids are counted anew, so places are found by the order of the cards.
  const ids = (value?.cards ?? []).filter(fits).map((card) => card.id);
  for (const group of Object.keys(PLACES)) {
    if (!Array.isArray(value?.[group])) continue;
    const held = morph[group].map((_, i) => morph.cards[ids.indexOf(value[group][i])]?.id ?? null);
    morph = { ...morph, [group]: held };
  }
  if (value?.kind === "linear") morph = { ...morph, kind: "linear" };
  const directions = (value?.directions ?? []).filter(fits);
  return {
    ...morph,
    directions: directions.map(({ name, z }) => ({ name: String(name), z: Float32Array.from(z) })),
  };
}
