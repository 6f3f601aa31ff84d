/* Every kernel: what a device compiles. */
#include "kernels_msm.h"
#include "kernels_ntt.h"
#include "kernels_relation.h"
#include "kernels_vector.h"
