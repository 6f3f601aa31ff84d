/* The development setup: its secret is public, so that development keys, digests and proofs are the same
 * everywhere. Whatever is made from it carries a mark; this is how a key or setup that lost the mark is
 * recognised all the same. */
#ifndef HF_DEVELOPMENT_H
#define HF_DEVELOPMENT_H

#include <stdbool.h>
#include "arith/fr.h"
#include "host/g2.h"

/* The public text from which the development tau is derived. */
#define HF_SRS_DEVELOPMENT_SECRET "hyperfold development setup 1: this secret is public"

/* tau = keccak256(text) as a big-endian integer, its top three bits dropped. */
hf_fr hf_development_tau(const char *text);
/* [tau]_2 is that of HF_SRS_DEVELOPMENT_SECRET. */
bool hf_development_setup(hf_g2 tau_g2);

#endif
