/* The part of test_cpu_field8.c that is compiled for the processor with AVX-512 IFMA. */
#include <gmp.h>
#include "ifma/field8_fq.h"
#include "ifma/field8_fr.h"
#include "support.h"

#define F(f)  hf_fr_##f
#define F8(f) hf_fr8_##f
#define T     hf_fr
#define T8    hf_fr8
#define P     "21888242871839275222246405745257275088548364400416034343698204186575808495617"
#include "field8_cases.h"
#undef F
#undef F8
#undef T
#undef T8
#undef P
#define F(f)  hf_fq_##f
#define F8(f) hf_fq8_##f
#define T     hf_fq
#define T8    hf_fq8
#define P     "21888242871839275222246405745257275088696311157297823662689037894645226208583"
#include "field8_cases.h"
