/* Multi-scalar multiplication against double-and-add, over scalars and points chosen to hit every special
 * case. */
#include "cpu/cpu.h"
#include "support.h"

typedef enum skew { RANDOM, ZEROS, ONES, SMALL, MINUS_SMALL, EQUAL, FEW, TOP, SPARSE, EDGES, SKEWS } skew;

static hf_fr skewed(skew how, size_t i, uint64_t *seed) {
  static const hf_u64 few[3] = {7, 0x123456789abcdefull, 1};
  switch (how) {
  case ZEROS:
    return hf_fr_zero();
  case ONES:
    return hf_fr_one();
  case SMALL:
    return hf_fr_from_u64(next_u64(seed) % 16);
  case MINUS_SMALL:
    return hf_fr_neg(hf_fr_from_u64(next_u64(seed) % 16));
  case EQUAL:
    return hf_fr_pow_u64(hf_fr_from_u64(3), 12345);
  case FEW:
    return hf_fr_pow_u64(hf_fr_from_u64(few[next_u64(seed) % 3]), 99);
  case TOP:
    return hf_fr_sub(hf_fr_neg(hf_fr_one()), hf_fr_from_u64(i % 5));
  case SPARSE:
    return next_u64(seed) % 10 ? hf_fr_zero() : random_fr(seed);
  case EDGES: { /* 2^k and its neighbours, of either sign */
    hf_fr power = hf_fr_pow_u64(hf_fr_from_u64(2), i % 254);
    power = hf_fr_add(power, hf_fr_sub(hf_fr_from_u64(i / 254 % 3), hf_fr_one()));
    return i & 1 ? hf_fr_neg(power) : power;
  }
  default:
    return random_fr(seed);
  }
}

typedef enum layout { DISTINCT, REPEATED, OPPOSITE, INFINITIES, LAYOUTS } layout;

enum { MANY = 1500 };

/* Points that are known multiples of the generator: logs[i] * G, so that sums are checked at any size. */
static hf_g1 *points_make(layout how, hf_fr *logs, uint64_t *seed) {
  hf_g1 *points = malloc(MANY * sizeof *points);
  hf_g1 base = hf_g1_generator();
  hf_fr log = random_fr(seed);
  hf_g1_xyzz walk = hf_g1_mul(base, log);
  for (size_t i = 0; i < MANY; i++) {
    points[i] = hf_g1_from_xyzz(walk);
    logs[i] = log;
    bool stay = how == REPEATED ? i % 7 != 6 : how == OPPOSITE ? i % 2 == 0 : false;
    if (how == OPPOSITE && i % 2) {
      points[i] = hf_g1_neg(points[i]);
      logs[i] = hf_fr_neg(log);
    }
    if (how == INFINITIES && i % 3 == 1) {
      points[i] = hf_g1_infinity();
      logs[i] = hf_fr_zero();
    }
    if (stay) continue;
    walk = hf_g1_xyzz_add_affine(walk, base);
    log = hf_fr_add(log, hf_fr_one());
  }
  return points;
}

static hf_g1 naive(const hf_g1 *points, const hf_fr *scalars, size_t count) {
  hf_g1_xyzz sum = hf_g1_xyzz_infinity();
  for (size_t i = 0; i < count; i++) sum = hf_g1_xyzz_add(sum, hf_g1_mul(points[i], scalars[i]));
  return hf_g1_from_xyzz(sum);
}

static hf_g1 by_logs(const hf_fr *logs, const hf_fr *scalars, size_t count) {
  hf_fr sum = hf_fr_zero();
  for (size_t i = 0; i < count; i++) sum = hf_fr_add(sum, hf_fr_mul(logs[i], scalars[i]));
  return hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), sum));
}

#define SAME_G1(a, b, ...) cr_assert(hf_g1_eq((a), (b)), __VA_ARGS__)

static void sizes_and_skews(hf_backend *k) {
  static const size_t sizes[] = {0, 1, 2, 3, 17, 333, MANY};
  uint64_t seed = 11;
  static hf_fr logs[MANY], scalars[MANY];
  for (layout how = DISTINCT; how < LAYOUTS; how++) {
    hf_g1 *points = points_make(how, logs, &seed);
    hf_points *handle;
    OK(k->ops->points_create(k, points, MANY, &handle));
    for (skew which = RANDOM; which < SKEWS; which++) {
      for (size_t i = 0; i < MANY; i++) scalars[i] = skewed(which, i, &seed);
      hf_vec *v = upload(k, scalars, MANY);
      for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        hf_g1 got;
        OK(k->ops->msm(k, handle, v, sizes[s], &got));
        cr_assert(hf_g1_is_infinity(got) || hf_g1_on_curve(got));
        SAME_G1(got, by_logs(logs, scalars, sizes[s]), "layout %d, scalars %d, %zu terms", how, which,
                sizes[s]);
        if (sizes[s] <= 17)
          SAME_G1(got, naive(points, scalars, sizes[s]), "layout %d, scalars %d, %zu terms", how, which,
                  sizes[s]);
      }
      k->ops->vec_destroy(k, v);
    }
    k->ops->points_destroy(k, handle);
    free(points);
  }
}

/* More than a segment in one bucket, several cuts. */
static void heavy_buckets(hf_backend *k) {
  enum { COUNT = 20000 };
  uint64_t seed = 12;
  static hf_fr logs[MANY], all_logs[COUNT], scalars[COUNT];
  hf_g1 *few = points_make(DISTINCT, logs, &seed), *points = malloc(COUNT * sizeof *points);
  for (size_t i = 0; i < COUNT; i++) {
    points[i] = few[i % MANY];
    all_logs[i] = logs[i % MANY];
  }
  hf_points *handle;
  OK(k->ops->points_create(k, points, COUNT, &handle));
  for (skew which = RANDOM; which < SKEWS; which++) {
    for (size_t i = 0; i < COUNT; i++) scalars[i] = skewed(which, i, &seed);
    hf_vec *v = upload(k, scalars, COUNT);
    hf_g1 got;
    OK(k->ops->msm(k, handle, v, COUNT, &got));
    SAME_G1(got, by_logs(all_logs, scalars, COUNT), "scalars %d", which);
    if (which == RANDOM || which == ONES) /* the windows in groups, as large inputs have it */
      for (size_t windows = 1; windows <= 7; windows += 3) {
        size_t usual = hf_cpu_of(k)->msm_sort_bytes;
        hf_cpu_of(k)->msm_sort_bytes = windows * COUNT * sizeof(uint32_t);
        OK(k->ops->msm(k, handle, v, COUNT, &got));
        SAME_G1(got, by_logs(all_logs, scalars, COUNT), "scalars %d, %zu windows at once", which, windows);
        hf_cpu_of(k)->msm_sort_bytes = usual;
      }
    k->ops->vec_destroy(k, v);
  }
  k->ops->points_destroy(k, handle);
  free(few);
  free(points);
}

/* parts[j][i] on point kappa*i + j; parts missing, short and longer than `length`. */
static void packed_commitments(hf_backend *k) {
  uint64_t seed = 13;
  static hf_fr logs[MANY], flat[MANY];
  hf_g1 *points = points_make(DISTINCT, logs, &seed);
  hf_points *handle;
  OK(k->ops->points_create(k, points, MANY, &handle));
  for (unsigned kappa = 1; kappa <= HF_MAX_KAPPA; kappa++)
    for (unsigned missing = 0; missing <= kappa; missing++) {
      hf_vec *parts[HF_MAX_KAPPA] = {0};
      const size_t length = 180;
      memset(flat, 0, sizeof flat);
      for (unsigned j = 0; j < kappa; j++) {
        if (j + 1 == missing) continue;
        size_t own = j % 3 == 2 ? 50 : j % 3 == 1 ? 250 : 180;
        hf_fr *values = random_vector(&seed, own);
        parts[j] = upload(k, values, own);
        for (size_t i = 0; i < own && i < length; i++) flat[kappa * i + j] = values[i];
        free(values);
      }
      hf_g1 got;
      OK(k->ops->commit(k, handle, (const hf_vec *const *)parts, kappa, length, &got));
      SAME_G1(got, by_logs(logs, flat, MANY), "kappa %u without part %u", kappa, missing);
      for (unsigned j = 0; j < kappa; j++) k->ops->vec_destroy(k, parts[j]);
    }
  hf_vec *v;
  hf_g1 got;
  OK(k->ops->vec_create(k, MANY + 1, &v));
  const hf_vec *one = v;
  FAILS(k->ops->msm(k, handle, v, MANY + 1, &got), HF_E_ARGUMENT);
  FAILS(k->ops->msm(k, handle, v, MANY + 2, &got), HF_E_ARGUMENT);
  FAILS(k->ops->commit(k, handle, &one, 1, MANY + 1, &got), HF_E_ARGUMENT);
  FAILS(k->ops->commit(k, handle, &one, 0, 1, &got), HF_E_ARGUMENT);
  FAILS(k->ops->commit(k, handle, &one, HF_MAX_KAPPA + 1, 1, &got), HF_E_ARGUMENT);
  OK(k->ops->commit(k, handle, &one, 1, MANY, &got));
  cr_assert(hf_g1_is_infinity(got));
  k->ops->vec_destroy(k, v);
  k->ops->points_destroy(k, handle);
  free(points);
}

Test(cpu_msm, sizes_and_skews) { each_backend(sizes_and_skews); }
Test(cpu_msm, heavy_buckets) { each_backend(heavy_buckets); }
Test(cpu_msm, packed_commitments) { each_backend(packed_commitments); }
