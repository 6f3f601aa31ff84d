#include "host/transcript.h"
#include "host/duplex.h"

static void put_be64(uint8_t out[8], uint64_t v) {
  for (int i = 0; i < 8; i++) out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static void absorb_header(hf_transcript *t, uint32_t tag, uint64_t words) {
  uint64_t header = tag + (words << 32);
  if (t->kind == HF_TRANSCRIPT_POSEIDON2) {
    hf_duplex_word(t->state, &t->fill, hf_fr_from_u64(header));
  } else {
    uint8_t bytes[8];
    put_be64(bytes, header);
    hf_keccak_update(&t->keccak, bytes, sizeof bytes);
  }
}

void hf_transcript_init(hf_transcript *t, hf_transcript_kind kind, uint64_t domain) {
  *t = (hf_transcript){.kind = kind};
  t->state[3] = hf_fr_from_u64(domain);
  uint8_t digest[32] = {0};
  put_be64(digest + 24, domain);
  hf_keccak_init(&t->keccak);
  hf_keccak_update(&t->keccak, digest, sizeof digest);
}

void hf_transcript_absorb_fr(hf_transcript *t, uint32_t tag, const hf_fr *in, size_t n) {
  absorb_header(t, tag, n);
  for (size_t i = 0; i < n; i++) {
    if (t->kind == HF_TRANSCRIPT_POSEIDON2) {
      hf_duplex_word(t->state, &t->fill, in[i]);
    } else {
      uint8_t bytes[32];
      hf_fr_to_bytes_be(in[i], bytes);
      hf_keccak_update(&t->keccak, bytes, sizeof bytes);
    }
  }
}

static void split_coordinate(hf_fq a, hf_fr *low, hf_fr *high) {
  hf_fq v = hf_fq_to_limbs(a);
  hf_fr lo = {{v.l[0], v.l[1], 0, 0}};
  hf_fr hi = {{v.l[2], v.l[3], 0, 0}};
  *low = hf_fr_from_limbs(lo);
  *high = hf_fr_from_limbs(hi);
}

void hf_g1_to_words(hf_g1 p, hf_fr out[4]) {
  split_coordinate(p.x, &out[0], &out[1]);
  split_coordinate(p.y, &out[2], &out[3]);
}

void hf_transcript_absorb_g1(hf_transcript *t, uint32_t tag, const hf_g1 *in, size_t n) {
  absorb_header(t, tag, t->kind == HF_TRANSCRIPT_POSEIDON2 ? 4 * (uint64_t)n : 2 * (uint64_t)n);
  for (size_t i = 0; i < n; i++) {
    if (t->kind == HF_TRANSCRIPT_POSEIDON2) {
      hf_fr words[4];
      hf_g1_to_words(in[i], words);
      for (int j = 0; j < 4; j++) hf_duplex_word(t->state, &t->fill, words[j]);
    } else {
      uint8_t bytes[64];
      hf_fq_to_bytes_be(in[i].x, bytes);
      hf_fq_to_bytes_be(in[i].y, bytes + 32);
      hf_keccak_update(&t->keccak, bytes, sizeof bytes);
    }
  }
}

/* Advances the state; gives the 256-bit integer that the challenge is cut from
 * (Poseidon2: canonical, below r; Keccak: any). */
static hf_fr draw(hf_transcript *t) {
  if (t->kind == HF_TRANSCRIPT_POSEIDON2) {
    hf_duplex_close(t->state, &t->fill);
    return hf_fr_to_limbs(t->state[0]);
  }
  uint8_t digest[32];
  hf_fr v = hf_fr_zero();
  hf_keccak_final(&t->keccak, digest);
  hf_keccak_update(&t->keccak, digest, sizeof digest);
  for (int i = 0; i < 32; i++) v.l[3 - i / 8] = v.l[3 - i / 8] << 8 | digest[i];
  return v;
}

/* r, as in arith/fr.h. */
static const uint64_t modulus[4] = {0x43e1f593f0000001ull, 0x2833e84879b97091ull, 0xb85045b68181585dull,
                                    0x30644e72e131a029ull};

void hf_transcript_squeeze(hf_transcript *t, hf_fr *out) {
  hf_fr v = draw(t);
  /* 2^256 < 6 r: at most five subtractions, in place. */
  while (!hf_fr_is_reduced(v)) {
    hf_u64 borrow = 0;
    for (int i = 0; i < 4; i++) v.l[i] = hf_sbb(v.l[i], modulus[i], &borrow);
  }
  *out = hf_fr_from_limbs(v);
}

void hf_transcript_squeeze_short(hf_transcript *t, hf_fr out[2]) {
  const uint64_t top = ((uint64_t)1 << 62) - 1;
  hf_fr v = draw(t);
  hf_fr low = {{v.l[0], v.l[1] & top, 0, 0}};
  hf_fr high = {{v.l[1] >> 62 | v.l[2] << 2, (v.l[2] >> 62 | v.l[3] << 2) & top, 0, 0}};
  hf_fr offset = hf_fr_from_limbs((hf_fr){{(uint64_t)-1, top, 0, 0}}); /* 2^126 - 1 */
  out[0] = hf_fr_sub(hf_fr_dbl(hf_fr_from_limbs(low)), offset);
  out[1] = hf_fr_sub(hf_fr_dbl(hf_fr_from_limbs(high)), offset);
}
