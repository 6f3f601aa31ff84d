/* Domain constants: the small number that separates one use of the Poseidon2
 * sponge (host/poseidon.h) or of a transcript (host/transcript.h) from every other.
 *
 * All constants of the project are in this one list, so that no two uses share
 * one. They are part of every digest: never renumber, only append.
 */
#ifndef HF_HOST_DOMAINS_H
#define HF_HOST_DOMAINS_H

typedef enum hf_domain {
  HF_DOMAIN_SIGNATURE = 1,       /* challenge of a signature: R, A, message (host/eddsa.h) */
  HF_DOMAIN_ACCOUNT = 2,         /* leaf of the account tree */
  HF_DOMAIN_DATA = 3,            /* commitment to a batch's public data */
  HF_DOMAIN_BATCH_STATEMENT = 4, /* what a batch proof states */
  HF_DOMAIN_LEAF = 5,            /* a leaf proof's entry in the fold: vk digest, statement */
  HF_DOMAIN_NODE = 6,            /* a node proof's statement: left, right */
  HF_DOMAIN_VK = 7,              /* digest of a verifying key */
  HF_DOMAIN_TRANSCRIPT = 8,      /* the running transcript of a proof */
  HF_DOMAIN_OUTBOX = 9,          /* tree of withdrawals and outgoing messages */
  HF_DOMAIN_MESSAGE = 10,        /* a message between chains */
  HF_DOMAIN_BITMAP = 11,         /* bitmap of consumed messages */
  HF_DOMAIN_APPLICATION = 12,    /* statements of circuits that are not the project's own */
  HF_DOMAIN_FOLD = 13            /* the challenges of a fold */
} hf_domain;

#endif
