/* The verifying key: what fixes a circuit for a verifier. */
#ifndef HF_VERIFYING_KEY_H
#define HF_VERIFYING_KEY_H

#include <hyperfold/bytes.h>
#include <hyperfold/status.h>
#include "arith/ec.h"
#include "host/g2.h"
#include "host/transcript.h"
#include "layout.h"

typedef struct hf_verifying_key {
  unsigned log_n;
  unsigned kappa;
  hf_transcript_kind transcript;
  bool foldable;          /* the public inputs are the ten instance words */
  bool seal;              /* the public inputs are the twelve words of a seal; not with foldable */
  bool development;       /* made from an SRS whose secret is public: proves nothing to anybody */
  uint32_t public_count;  /* < n */
  hf_g2 tau_g2;           /* [tau]_2 of the SRS */
  hf_g1 fixed[HF_FIXED_COUNT]; /* one commitment a pack: the first hf_packs(HF_FIXED_COUNT, kappa) are used */
  hf_fr digest;           /* derived */
} hf_verifying_key;

/* Checks everything that a key must satisfy and derives the digest
 *   sponge(HF_DOMAIN_VK, version, transcript, kappa, instance, development, public count, [tau]_2, log n, commitments)
 * with instance = foldable + 2 seal (what is the same for all keys that a node meets stands first) and each coordinate
 * as its two words. Errors: HF_E_RANGE (a parameter), HF_E_CURVE, HF_E_SUBGROUP, HF_E_INFINITY, HF_E_REFUSED ([tau]_2 is
 * a trivial power, or of the development setup in a key without its mark; two equal or opposite commitments). */
hf_status hf_verifying_key_finish(hf_verifying_key *vk);

/* The payload of a "VKEY" container, version 1. The reader accepts exactly the bytes that the writer makes and
 * runs hf_verifying_key_finish. */
void hf_verifying_key_write(const hf_verifying_key *vk, hf_writer *w);
hf_status hf_verifying_key_read(hf_reader *r, hf_verifying_key *vk);

#define HF_VKEY_KIND    "VKEY"
#define HF_VKEY_VERSION 1

/* Files ("VKEY" containers). HF_E_ARGUMENT: the key to write is not finished. */
hf_status hf_verifying_key_save(const char *path, const hf_verifying_key *vk);
hf_status hf_verifying_key_load(const char *path, hf_verifying_key *vk);
/* The same container in memory. `what` names the source in messages. */
hf_status hf_verifying_key_encode(const hf_verifying_key *vk, hf_writer *w);
hf_status hf_verifying_key_decode(const char *what, const void *data, size_t length, hf_verifying_key *vk);

#endif
