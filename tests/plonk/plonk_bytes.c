/* Mutations of files: every byte of a proof, of its public inputs and of a verifying key, with the checksum
 * made anew; encodings that are not canonical; truncations, trailing bytes and exchanges. */
#include <criterion/criterion.h>
#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/g2.h"
#include "rig.h"

typedef struct bytes {
  uint8_t data[8192];
  size_t length;
} bytes;

/* What was written; the writer is freed. */
static bytes bytes_of(hf_writer *w) {
  bytes b;
  cr_assert(hf_writer_status(w) == HF_OK && w->length <= sizeof b.data);
  memcpy(b.data, w->data, b.length = w->length);
  hf_writer_free(w);
  return b;
}

static bytes proof_payload(const hf_proof *proof) {
  hf_writer w = {0};
  hf_proof_write(proof, &w);
  return bytes_of(&w);
}

static bytes vkey_payload(const hf_verifying_key *vk) {
  hf_writer w = {0};
  hf_verifying_key_write(vk, &w);
  return bytes_of(&w);
}

/* Through a container whose checksum is right. */
static hf_status decode_proof(const bytes *payload, hf_proof *proof) {
  hf_writer w = {0};
  hf_bytes part = {payload->data, payload->length};
  cr_assert_eq(hf_container_encode(&w, HF_PROOF_KIND, HF_PROOF_VERSION, &part, 1), HF_OK);
  hf_status status = hf_proof_decode("test", w.data, w.length, proof);
  hf_writer_free(&w);
  return status;
}

static hf_status decode_vkey(const bytes *payload, hf_verifying_key *vk) {
  hf_writer w = {0};
  hf_bytes part = {payload->data, payload->length};
  cr_assert_eq(hf_container_encode(&w, HF_VKEY_KIND, HF_VKEY_VERSION, &part, 1), HF_OK);
  hf_status status = hf_verifying_key_decode("test", w.data, w.length, vk);
  hf_writer_free(&w);
  return status;
}

static void add_le(uint8_t *at, const uint8_t *amount) {
  unsigned carry = 0;
  for (int i = 0; i < 32; i++) {
    carry += at[i] + amount[i];
    at[i] = (uint8_t)carry;
    carry >>= 8;
  }
  cr_assert_eq(carry, 0);
}

/* r and q, little-endian. */
static void modulus(bool of_fq, uint8_t out[32]) {
  if (of_fq)
    hf_fq_to_bytes(hf_fq_neg(hf_fq_one()), out);
  else
    hf_fr_to_bytes(hf_fr_neg(hf_fr_one()), out);
  out[0]++; /* both end in ...1 or ...7: no carry */
}

/* Where the elements of a proof's payload are. */
typedef struct map {
  size_t fr[128], g1[32];
  size_t frs, g1s, public_at;
} map;

static map map_of(const hf_proof *proof) {
  map m = {0};
  size_t at = 4;
  m.fr[m.frs++] = at, at += 32 + 4;
  m.public_at = at;
  for (uint32_t i = 0; i < proof->public_count; i++, at += 32) m.fr[m.frs++] = at;
  for (unsigned i = 0; i < hf_pack_layout_of(proof->kappa).proof; i++, at += 64) m.g1[m.g1s++] = at;
  for (int i = 0; i < HF_EVALS_ZETA + HF_EVALS_NEXT; i++, at += 32) m.fr[m.frs++] = at;
  for (int i = 0; i < 2; i++, at += 64) m.g1[m.g1s++] = at;
  cr_assert_eq(at, proof_payload(proof).length);
  return m;
}

Test(bytes, every_byte_of_a_proof) {
  for (unsigned kappa = 1; kappa <= 8; kappa += 7) {
    rig r = rig_make(kappa, kappa == 1 ? HF_TRANSCRIPT_POSEIDON2 : HF_TRANSCRIPT_KECCAK);
    hf_proof proof, other;
    rig_prove(&r, &proof);
    bytes good = proof_payload(&proof), bad;
    size_t decoded = 0;
    cr_assert(decode_proof(&good, &other) == HF_OK && rig_verify(&r.key->vk, &other));
    for (size_t i = 0; i < good.length; i += RIG_STRIDE)
      for (int k = 0; k < 2; k++) {
        bad = good;
        bad.data[i] ^= k ? 0xff : (uint8_t)(1 << (i % 8));
        if (decode_proof(&bad, &other) != HF_OK) continue;
        decoded++;
        cr_assert(rig_refuses(&r.key->vk, &other), "kappa %u, byte %zu: accepted", kappa, i);
      }
    cr_assert_gt(decoded, 2000 / RIG_STRIDE); /* most bytes of field elements give another field element */
    rig_free(&r);
  }
}

Test(bytes, every_byte_of_a_container) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  hf_proof proof, other;
  hf_verifying_key vk;
  rig_prove(&r, &proof);
  hf_writer w = {0}, v = {0};
  cr_assert_eq(hf_proof_encode(&proof, &w), HF_OK);
  cr_assert_eq(hf_verifying_key_encode(&r.key->vk, &v), HF_OK);
  cr_assert_eq(hf_proof_decode("test", w.data, w.length, &other), HF_OK);
  cr_assert_eq(memcmp(&other, &proof, sizeof proof), 0);
  cr_assert_eq(hf_verifying_key_decode("test", v.data, v.length, &vk), HF_OK);
  cr_assert_eq(memcmp(&vk, &r.key->vk, sizeof vk), 0);
  for (size_t i = 0; i < w.length; i++) {
    w.data[i] ^= (uint8_t)(1 << (i % 8));
    cr_assert_neq(hf_proof_decode("test", w.data, w.length, &other), HF_OK, "proof, byte %zu", i);
    w.data[i] ^= (uint8_t)(1 << (i % 8));
    cr_assert_neq(hf_proof_decode("test", w.data, i, &other), HF_OK, "proof cut to %zu bytes", i);
  }
  for (size_t i = 0; i < v.length; i++) {
    v.data[i] ^= (uint8_t)(1 << (i % 8));
    cr_assert_neq(hf_verifying_key_decode("test", v.data, v.length, &vk), HF_OK, "key, byte %zu", i);
    v.data[i] ^= (uint8_t)(1 << (i % 8));
    cr_assert_neq(hf_verifying_key_decode("test", v.data, i, &vk), HF_OK, "key cut to %zu bytes", i);
  }
  cr_assert_eq(hf_proof_decode("test", v.data, v.length, &other), HF_E_FORMAT, "a key is no proof");
  cr_assert_eq(hf_verifying_key_decode("test", w.data, w.length, &vk), HF_E_FORMAT, "a proof is no key");
  hf_write_u8(&w, 0);
  hf_write_u8(&v, 0);
  cr_assert_eq(hf_proof_decode("test", w.data, w.length, &other), HF_E_FORMAT);
  cr_assert_eq(hf_verifying_key_decode("test", v.data, v.length, &vk), HF_E_FORMAT);
  hf_writer_free(&w);
  hf_writer_free(&v);
  rig_free(&r);
}

Test(bytes, lengths) {
  rig r = rig_make(3, HF_TRANSCRIPT_POSEIDON2);
  hf_proof proof, other;
  hf_verifying_key vk;
  rig_prove(&r, &proof);
  bytes p = proof_payload(&proof), v = vkey_payload(&r.key->vk);
  for (bytes b = p; b.length-- > 0;)
    cr_assert_eq(decode_proof(&b, &other), HF_E_FORMAT, "cut to %zu", b.length);
  for (bytes b = v; b.length-- > 0;) cr_assert_eq(decode_vkey(&b, &vk), HF_E_FORMAT, "cut to %zu", b.length);
  for (size_t extra = 1; extra <= 96; extra++) { /* zeros behind */
    bytes b = p;
    memset(b.data + b.length, 0, extra);
    b.length += extra;
    cr_assert_eq(decode_proof(&b, &other), HF_E_FORMAT, "%zu bytes behind", extra);
    b = v;
    memset(b.data + b.length, 0, extra);
    b.length += extra;
    cr_assert_eq(decode_vkey(&b, &vk), HF_E_FORMAT, "%zu bytes behind", extra);
  }
  /* every kappa and count on the bytes of another: only the right length is taken, and then it is not the
   * key's */
  for (unsigned kappa = 0; kappa <= 256; kappa++) {
    bytes b = p;
    b.data[0] = (uint8_t)kappa, b.data[1] = (uint8_t)(kappa >> 8);
    hf_status status = decode_proof(&b, &other);
    if (kappa < 1 || kappa > 8)
      cr_assert_eq(status, HF_E_RANGE);
    else if (kappa != 3)
      cr_assert(status != HF_OK || rig_refuses(&r.key->vk, &other));
  }
  for (unsigned count = 0; count <= 2000; count++) {
    bytes b = p;
    b.data[36] = (uint8_t)count, b.data[37] = (uint8_t)(count >> 8);
    hf_status status = decode_proof(&b, &other);
    if (count > HF_MAX_PUBLIC)
      cr_assert_eq(status, HF_E_RANGE);
    else
      cr_assert((status == HF_OK) == (count == 2), "count %u", count);
  }
  memset(p.data + 36, 0xff, 4);
  cr_assert_eq(decode_proof(&p, &other), HF_E_RANGE);
  rig_free(&r);
}

Test(bytes, not_canonical) {
  rig r = rig_make(2, HF_TRANSCRIPT_KECCAK);
  hf_proof proof, other;
  uint8_t mod_r[32], mod_q[32];
  rig_prove(&r, &proof);
  bytes good = proof_payload(&proof), b;
  map m = map_of(&proof);
  modulus(false, mod_r);
  modulus(true, mod_q);
  cr_assert_eq(m.frs, 1 + 2 + HF_EVALS_ZETA + HF_EVALS_NEXT);
  for (size_t i = 0; i < m.frs; i++) {
    b = good;
    add_le(b.data + m.fr[i], mod_r); /* the same value */
    cr_assert_eq(decode_proof(&b, &other), HF_E_RANGE, "element %zu", i);
    memcpy(b.data + m.fr[i], mod_r, 32); /* zero */
    cr_assert_eq(decode_proof(&b, &other), HF_E_RANGE, "element %zu", i);
    memset(b.data + m.fr[i], 0xff, 32);
    cr_assert_eq(decode_proof(&b, &other), HF_E_RANGE, "element %zu", i);
  }
  for (size_t i = 0; i < m.g1s; i++) {
    uint8_t *at = b.data + m.g1[i];
    for (int half = 0; half < 2; half++) {
      b = good;
      add_le(at + 32 * half, mod_q); /* the same point */
      cr_assert_eq(decode_proof(&b, &other), HF_E_RANGE, "point %zu", i);
      b = good;
      at[32 * half] ^= 1;
      cr_assert_eq(decode_proof(&b, &other), HF_E_CURVE, "point %zu", i);
    }
    b = good;
    memset(at, 0, 64);
    cr_assert_eq(decode_proof(&b, &other), HF_E_INFINITY, "point %zu", i);
    memcpy(at + 32, mod_q, 32); /* infinity, written otherwise */
    cr_assert_eq(decode_proof(&b, &other), HF_E_RANGE, "point %zu", i);
    memset(at, 0, 64);
    at[32] = 1; /* (0, 1) */
    cr_assert_eq(decode_proof(&b, &other), HF_E_CURVE, "point %zu", i);
    b = good;
    hf_fq y;
    cr_assert(hf_fq_from_bytes(at + 32, &y));
    hf_fq_to_bytes(hf_fq_neg(y), at + 32);
    cr_assert(decode_proof(&b, &other) == HF_OK && rig_refuses(&r.key->vk, &other), "point %zu negated", i);
  }
  rig_free(&r);
}

Test(bytes, every_byte_of_a_key) {
  for (unsigned kappa = 1; kappa <= 8; kappa += 7) {
    rig r = rig_make(kappa, HF_TRANSCRIPT_POSEIDON2);
    hf_proof proof, adapted;
    hf_verifying_key vk;
    unsigned decoded = 0;
    rig_prove(&r, &proof);
    bytes good = vkey_payload(&r.key->vk);
    cr_assert(decode_vkey(&good, &vk) == HF_OK && rig_verify(&vk, &proof));
    for (size_t i = 0; i < good.length; i++)
      for (int bit = 0; bit < (i < 8 ? 8 : 2); bit++) {
        bytes bad = good;
        bad.data[i] ^= (uint8_t)(1 << (i < 8 ? bit : bit ? (int)(i % 8) : 7));
        if (decode_vkey(&bad, &vk) != HF_OK) continue;
        decoded++;
        bool ok = true;
        cr_assert_not(hf_fr_eq(vk.digest, r.key->vk.digest), "byte %zu: the digest does not know", i);
        cr_assert_eq(hf_verify(&vk, &proof, &ok), HF_E_MISMATCH, "byte %zu", i);
        cr_assert_not(ok);
        adapted = proof; /* an adversary says that the proof is for this key */
        adapted.vk_digest = vk.digest;
        cr_assert(rig_refuses(&vk, &adapted), "kappa %u, byte %zu, bit %d: accepted", kappa, i, bit);
      }
    cr_assert_gt(decoded, 4); /* log n, transcript, public count */
    rig_free(&r);
  }
}

/* Status of a verifying key with one field replaced. */
static hf_status with(const bytes *good, size_t at, const void *field, size_t length) {
  bytes b = *good;
  hf_verifying_key vk;
  memcpy(b.data + at, field, length);
  return decode_vkey(&b, &vk);
}

static hf_status with_tau(const bytes *good, hf_g2 tau) {
  uint8_t g2[HF_G2_BYTES];
  hf_g2_to_bytes(tau, g2);
  return with(good, 8, g2, sizeof g2);
}

static hf_status with_byte(const bytes *good, size_t at, unsigned value) {
  return with(good, at, &(uint8_t){(uint8_t)value}, 1);
}

Test(bytes, key_fields) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  bytes good = vkey_payload(&r.key->vk);
  enum { FIXED = 8 + HF_G2_BYTES };
  uint8_t mod_q[32], wide[32];
  modulus(true, mod_q);
  for (unsigned v = 0; v < 256; v++) {
    cr_assert_eq(with_byte(&good, 0, v), v < HF_MIN_LOG_N || v > HF_MAX_LOG_N ? HF_E_RANGE : HF_OK,
                 "log n %u", v);
    if (v < 1 || v > 8)
      cr_assert_eq(with_byte(&good, 1, v), HF_E_RANGE, "kappa %u", v);
    else
      cr_assert_eq(with_byte(&good, 1, v), v == 2 ? HF_OK : HF_E_FORMAT, "kappa %u", v);
    cr_assert_eq(with_byte(&good, 2, v), v > 1 ? HF_E_RANGE : HF_OK, "transcript %u", v);
    /* bit 0: foldable, which takes ten public inputs; bit 1: development, which this setup cannot lose */
    cr_assert_eq(with_byte(&good, 3, v),
                 v > 3 || v & 1 ? HF_E_RANGE
                 : v == 0       ? HF_E_REFUSED
                                : HF_OK,
                 "flags %u", v);
  }
  cr_assert_eq(with(&good, 4, (uint8_t[4]){54}, 4), HF_OK);
  cr_assert_eq(with(&good, 4, (uint8_t[4]){55}, 4), HF_E_RANGE, "rows for public inputs");
  cr_assert_eq(with(&good, 4, (uint8_t[4]){1, 4}, 4), HF_E_RANGE);
  cr_assert_eq(with(&good, 4, "\xff\xff\xff\xff", 4), HF_E_RANGE);

  hf_g2 g = hf_g2_generator();
  cr_assert_eq(with_tau(&good, g), HF_E_REFUSED);
  cr_assert_eq(with_tau(&good, hf_g2_neg(g)), HF_E_REFUSED);
  cr_assert_eq(with_tau(&good, hf_g2_infinity()), HF_E_INFINITY);
  cr_assert_eq(with_tau(&good, hf_g2_add(g, g)), HF_OK, "a tau that only its maker knows to be bad");
  cr_assert_eq(with(&good, 8, &(uint8_t){(uint8_t)(good.data[8] ^ 1)}, 1), HF_E_CURVE);
  for (int i = 0; i < 4; i++) {
    memcpy(wide, good.data + 8 + 32 * i, 32);
    add_le(wide, mod_q);
    cr_assert_eq(with(&good, 8 + 32 * (size_t)i, wide, 32), HF_E_RANGE, "coordinate %d of [tau]_2", i);
  }
  /* on the twist and outside the group */
  FILE *vectors = fopen(HF_SOURCE_DIR "/tests/oracle/vectors/host.txt", "r");
  char line[4096], c[4][65], verdict[16];
  unsigned outside = 0;
  cr_assert(vectors);
  while (fgets(line, sizeof line, vectors)) {
    uint8_t g2[HF_G2_BYTES];
    if (sscanf(line, "g2_group %64s %64s %64s %64s %15s", c[0], c[1], c[2], c[3], verdict) != 5) continue;
    if (strcmp(verdict, "SUBGROUP") != 0) continue;
    for (int i = 0; i < 4; i++) {
      cr_assert_eq(hf_unhex(c[i], wide, 32), HF_OK);
      for (int k = 0; k < 32; k++) g2[32 * i + k] = wide[31 - k];
    }
    outside++;
    cr_assert_eq(with(&good, 8, g2, sizeof g2), HF_E_SUBGROUP);
  }
  fclose(vectors);
  cr_assert_geq(outside, 3);

  unsigned packs = hf_packs(HF_FIXED_COUNT, 2);
  for (unsigned i = 0; i < packs; i++) {
    size_t at = FIXED + 64 * (size_t)i, before = FIXED + 64 * (size_t)((i + packs - 1) % packs);
    uint8_t point[64] = {0};
    cr_assert_eq(with(&good, at, point, 64), HF_E_INFINITY);
    cr_assert_eq(with(&good, at, good.data + before, 64), HF_E_REFUSED, "equal commitments");
    memcpy(point, good.data + before, 64);
    hf_fq y;
    cr_assert(hf_fq_from_bytes(point + 32, &y));
    hf_fq_to_bytes(hf_fq_neg(y), point + 32);
    cr_assert_eq(with(&good, at, point, 64), HF_E_REFUSED, "opposite commitments");
    memcpy(point, good.data + at, 64);
    point[0] ^= 1;
    cr_assert_eq(with(&good, at, point, 64), HF_E_CURVE);
    memcpy(point, good.data + at, 64);
    add_le(point + 32, mod_q);
    cr_assert_eq(with(&good, at, point, 64), HF_E_RANGE);
  }
  rig_free(&r);
}

/* Proofs, keys and instances of other circuits, packings, transcripts and setups. */
Test(bytes, exchanges) {
  enum { RIGS = 6 };
  rig r[RIGS];
  hf_proof proof[RIGS], mixed;
  hf_circuit *other = tiny_circuit(RIG_LOG_N, 12);
  other->fixed[HF_Q1][TINY_LOOSE + 1] = hf_fr_one(); /* another structure, same witness */
  r[0] = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  r[1] = rig_make(2, HF_TRANSCRIPT_KECCAK);
  r[2] = rig_make(4, HF_TRANSCRIPT_POSEIDON2);
  r[3] = rig_of(other, 2, HF_TRANSCRIPT_POSEIDON2);
  r[4] = rig_of(tiny_circuit(RIG_LOG_N + 1, 12), 2, HF_TRANSCRIPT_POSEIDON2);
  r[5] = rig_of(tiny_circuit(RIG_LOG_N, 12), 2, HF_TRANSCRIPT_POSEIDON2);
  /* the last one with another secret */
  hf_srs *srs;
  hf_proving_key *key;
  cr_assert_eq(hf_srs_generate("another secret", r[5].srs->count, 1, &srs), HF_OK);
  cr_assert_eq(hf_proving_key_derive(r[5].backend, srs, r[5].circuit,
                                     &(hf_key_options){2, HF_TRANSCRIPT_POSEIDON2}, &key),
               HF_OK);
  hf_prover *prover;
  cr_assert_eq(hf_prover_create(r[5].backend, r[5].srs, key, &prover), HF_E_MISMATCH,
               "another SRS than the key's");
  cr_assert_eq(hf_prover_create(r[5].backend, srs, key, &prover), HF_OK);
  hf_prover_destroy(&r[5].prover);
  hf_proving_key_destroy(&r[5].key);
  hf_srs_destroy(&r[5].srs);
  r[5].prover = prover, r[5].key = key, r[5].srs = srs;
  for (int i = 0; i < RIGS; i++) {
    rig_prove(&r[i], &proof[i]);
    cr_assert(rig_verify(&r[i].key->vk, &proof[i]));
  }
  for (int i = 0; i < RIGS; i++)
    for (int j = 0; j < RIGS; j++) {
      bool ok = true;
      if (i == j) continue;
      cr_assert_eq(hf_verify(&r[i].key->vk, &proof[j], &ok), HF_E_MISMATCH, "key %d, proof %d", i, j);
      cr_assert_not(ok);
      mixed = proof[j];
      mixed.vk_digest = r[i].key->vk.digest;
      cr_assert(rig_refuses(&r[i].key->vk, &mixed), "key %d, proof %d", i, j);
      mixed.kappa = r[i].key->vk.kappa;
      cr_assert(rig_refuses(&r[i].key->vk, &mixed), "key %d, proof %d", i, j);
    }
  /* the instance of one proof on another of the same circuit; the two proofs' halves */
  tiny_destroy(r[0].circuit);
  r[0].circuit = tiny_circuit(RIG_LOG_N, 13);
  rig_prove(&r[0], &mixed);
  cr_assert(rig_verify(&r[0].key->vk, &mixed));
  hf_proof good = mixed;
  memcpy(mixed.public_inputs, proof[0].public_inputs, sizeof mixed.public_inputs);
  cr_assert(rig_refuses(&r[0].key->vk, &mixed), "another instance");
  mixed = good;
  mixed.w = proof[0].w, mixed.w_prime = proof[0].w_prime;
  cr_assert(rig_refuses(&r[0].key->vk, &mixed), "the openings of another proof");
  mixed = good;
  memcpy(mixed.commitments, proof[0].commitments, sizeof mixed.commitments);
  cr_assert(rig_refuses(&r[0].key->vk, &mixed), "the commitments of another proof");
  mixed = good;
  memcpy(mixed.at_zeta, proof[0].at_zeta, sizeof mixed.at_zeta);
  memcpy(mixed.at_next, proof[0].at_next, sizeof mixed.at_next);
  cr_assert(rig_refuses(&r[0].key->vk, &mixed), "the evaluations of another proof");
  for (int i = 0; i < RIGS; i++) rig_free(&r[i]);
}

Test(bytes, leaf_instance) {
  tiny_options options = {.log_n = RIG_LOG_N, .x = 12, .foldable = true};
  rig r = rig_of(tiny_make(&options), 2, HF_TRANSCRIPT_POSEIDON2);
  hf_proof proof;
  size_t row;
  int constraint;
  bool ok = true;
  hf_g1 left, right;
  cr_assert(r.key->vk.foldable);
  rig_prove(&r, &proof);
  cr_assert(rig_verify(&r.key->vk, &proof), "%s", hf_error_message());
  for (int word = HF_INSTANCE_NODE_VK; word < HF_INSTANCE_COUNT;
       word++) { /* the proof itself is a good one */
    options.instance[word] = word == 3 ? hf_fr_neg(hf_fr_one()) : hf_fr_one();
    tiny_destroy(r.circuit);
    r.circuit = tiny_make(&options);
    cr_assert_eq(tiny_violations(r.circuit, &row, &constraint), 0);
    rig_prove(&r, &proof);
    cr_assert_not(rig_verify(&r.key->vk, &proof), "word %d", word);
    cr_assert_eq(hf_verify_deferred(&r.key->vk, &proof, &ok, &left, &right), HF_OK);
    cr_assert_not(ok);
    options.instance[word] = hf_fr_zero();
  }
  /* a circuit that is not foldable may say whatever it likes in ten words, and foldability is in the digest
   */
  hf_verifying_key vk = r.key->vk;
  vk.foldable = false;
  cr_assert_eq(hf_verifying_key_finish(&vk), HF_OK);
  cr_assert_not(hf_fr_eq(vk.digest, r.key->vk.digest));
  vk.foldable = true;
  vk.public_count = 9;
  cr_assert_eq(hf_verifying_key_finish(&vk), HF_E_RANGE);
  rig_free(&r);
}

/* What was never made properly is refused with a status. */
Test(bytes, unfinished) {
  static const hf_proof no_proof;
  static const hf_verifying_key no_key;
  hf_writer w = {0};
  bool ok = true;
  cr_assert_eq(hf_verify(&no_key, &no_proof, &ok), HF_E_ARGUMENT);
  cr_assert_not(ok);
  cr_assert_eq(hf_proof_encode(&no_proof, &w), HF_E_ARGUMENT);
  cr_assert_eq(hf_proof_save("/nonexistent/proof", &no_proof), HF_E_ARGUMENT);
  cr_assert_eq(hf_verifying_key_encode(&no_key, &w), HF_E_ARGUMENT);
  cr_assert_eq(hf_verifying_key_save("/nonexistent/key", &no_key), HF_E_ARGUMENT);
  cr_assert_eq(w.length, 0);
  hf_proof proof = no_proof;
  proof.kappa = 1;
  proof.public_count = HF_MAX_PUBLIC + 1;
  cr_assert_eq(hf_proof_encode(&proof, &w), HF_E_ARGUMENT);
  cr_assert_eq(w.length, 0);
}

/* The fuzzers' seeds are good files of today's formats (tests/plonk/seeds.c makes them). */
Test(bytes, seeds) {
  static const char *const names[] = {"kappa2", "kappa8"};
  for (int i = 0; i < 2; i++) {
    char path[256];
    uint8_t *data;
    size_t length;
    hf_proof proof;
    hf_verifying_key vk;
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/fuzz_proof/%s", HF_SOURCE_DIR, names[i]);
    cr_assert_eq(hf_file_read(path, 1 << 20, &data, &length), HF_OK, "%s", hf_error_message());
    hf_reader r = hf_reader_over(data, length);
    cr_assert(hf_proof_read(&r, &proof) == HF_OK && hf_read_end(&r, "seed") == HF_OK, "%s",
              hf_error_message());
    free(data);
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/fuzz_vkey/%s", HF_SOURCE_DIR, names[i]);
    cr_assert_eq(hf_file_read(path, 1 << 20, &data, &length), HF_OK, "%s", hf_error_message());
    r = hf_reader_over(data, length);
    cr_assert(hf_verifying_key_read(&r, &vk) == HF_OK && hf_read_end(&r, "seed") == HF_OK, "%s",
              hf_error_message());
    free(data);
    cr_assert(hf_fr_eq(vk.digest, proof.vk_digest));
  }
}
