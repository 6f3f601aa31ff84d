/* Keccak-f[1600], rate 136 bytes, after the Keccak reference (keccak.team). Round
 * constants and rotations: the specification's LFSR and (t+1)(t+2)/2 sequence. */
#include "host/keccak.h"

#define RATE 136

static const uint64_t round_constants[24] = {
    0x0000000000000001ull, 0x0000000000008082ull, 0x800000000000808aull, 0x8000000080008000ull,
    0x000000000000808bull, 0x0000000080000001ull, 0x8000000080008081ull, 0x8000000000008009ull,
    0x000000000000008aull, 0x0000000000000088ull, 0x0000000080008009ull, 0x000000008000000aull,
    0x000000008000808bull, 0x800000000000008bull, 0x8000000000008089ull, 0x8000000000008003ull,
    0x8000000000008002ull, 0x8000000000000080ull, 0x000000000000800aull, 0x800000008000000aull,
    0x8000000080008081ull, 0x8000000000008080ull, 0x0000000080000001ull, 0x8000000080008008ull};

/* The walk of rho and pi from lane 1: destination lane and rotation. */
static const uint8_t pi_lane[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                    15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t rho_bits[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                     27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

static inline uint64_t rotate(uint64_t v, unsigned n) { return v << n | v >> (64 - n); }

static void permute(uint64_t s[25]) {
  for (int round = 0; round < 24; round++) {
    uint64_t c[5];
    for (int x = 0; x < 5; x++) c[x] = s[x] ^ s[x + 5] ^ s[x + 10] ^ s[x + 15] ^ s[x + 20];
    for (int x = 0; x < 5; x++) {
      uint64_t d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
      for (int y = 0; y < 25; y += 5) s[y + x] ^= d;
    }
    uint64_t carried = s[1];
    for (int i = 0; i < 24; i++) {
      uint64_t next = s[pi_lane[i]];
      s[pi_lane[i]] = rotate(carried, rho_bits[i]);
      carried = next;
    }
    for (int y = 0; y < 25; y += 5) {
      for (int x = 0; x < 5; x++) c[x] = s[y + x];
      for (int x = 0; x < 5; x++) s[y + x] = c[x] ^ (~c[(x + 1) % 5] & c[(x + 2) % 5]);
    }
    s[0] ^= round_constants[round];
  }
}

static inline void xor_byte(hf_keccak *k, uint32_t at, uint8_t byte) {
  k->lanes[at / 8] ^= (uint64_t)byte << (8 * (at % 8));
}

void hf_keccak_init(hf_keccak *k) { *k = (hf_keccak){0}; }

void hf_keccak_update(hf_keccak *k, const void *data, size_t length) {
  const uint8_t *p = data;
  for (size_t i = 0; i < length; i++) {
    xor_byte(k, k->offset++, p[i]);
    if (k->offset == RATE) {
      permute(k->lanes);
      k->offset = 0;
    }
  }
}

void hf_keccak_final(hf_keccak *k, uint8_t out[32]) {
  xor_byte(k, k->offset, 0x01);
  xor_byte(k, RATE - 1, 0x80);
  permute(k->lanes);
  for (int i = 0; i < 32; i++) out[i] = (uint8_t)(k->lanes[i / 8] >> (8 * (i % 8)));
  hf_keccak_init(k);
}

void hf_keccak256(const void *data, size_t length, uint8_t out[32]) {
  hf_keccak k;
  hf_keccak_init(&k);
  hf_keccak_update(&k, data, length);
  hf_keccak_final(&k, out);
}
