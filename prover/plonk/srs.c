#include "srs.h"

#include <hyperfold/container.h>
#include <hyperfold/random.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "host/pairing.h"
#include "srs_internal.h"

#define SRS_HEADER 256

/* --- memory ---------------------------------------------------------------- */

hf_status hf_srs_allocate(size_t count, hf_srs **out) {
  hf_srs *srs = calloc(1, sizeof *srs);
  if (!srs) return hf_fail(HF_E_MEMORY, "no memory for an SRS");
  srs->memory_size = count * sizeof(hf_g1);
  srs->memory = mmap(NULL, srs->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (srs->memory == MAP_FAILED) {
    free(srs);
    return hf_fail(HF_E_MEMORY, "no memory for %zu points", count);
  }
  srs->points = srs->memory;
  srs->count = count;
  *out = srs;
  return HF_OK;
}

void hf_srs_destroy(hf_srs **srs) {
  if (!*srs) return;
  if ((*srs)->memory) munmap((*srs)->memory, (*srs)->memory_size);
  hf_container_unmap(&(*srs)->file);
  free(*srs);
  *srs = NULL;
}

unsigned hf_srs_threads(unsigned threads) {
  if (threads) return threads > HF_SRS_MAX_THREADS ? HF_SRS_MAX_THREADS : threads;
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n < 1 ? 1 : n > HF_SRS_MAX_THREADS ? HF_SRS_MAX_THREADS : (unsigned)n;
}

/* Runs body(context, begin, end, thread) over [0, count) in `threads` equal parts. */
void hf_srs_parallel(unsigned threads, size_t count, hf_srs_body body, void *context) {
  pthread_t ids[HF_SRS_MAX_THREADS];
  hf_srs_part parts[HF_SRS_MAX_THREADS];
  bool started[HF_SRS_MAX_THREADS] = {false};
  for (unsigned i = 0; i < threads; i++) {
    parts[i] = (hf_srs_part){body, context, count * i / threads, count * (i + 1) / threads, i};
    if (i > 0) started[i] = pthread_create(&ids[i], NULL, hf_srs_part_run, &parts[i]) == 0;
    if (i > 0 && !started[i]) hf_srs_part_run(&parts[i]);
  }
  hf_srs_part_run(&parts[0]);
  for (unsigned i = 1; i < threads; i++)
    if (started[i]) pthread_join(ids[i], NULL);
}

void *hf_srs_part_run(void *argument) {
  hf_srs_part *p = argument;
  p->body(p->context, p->begin, p->end, p->thread);
  return NULL;
}

/* --- generation: fixed-base windows, additions in affine form with shared inversions ----- */

#define BATCH 1024

typedef struct power_task {
  hf_fr tau;
  unsigned window, windows;
  hf_g1 *table; /* windows x 2^window: table[w][d] = d 2^(w window) G; d = 0 unused */
  hf_g1 *points;
} power_task;

/* acc[i] += q[i] for all i, in affine coordinates; a finite q is given by pointer, NULL adds nothing. */
static void add_batch(hf_g1 *acc, const hf_g1 *const *q, size_t count) {
  hf_fq denominator[BATCH], prefix[BATCH], product = hf_fq_one();
  for (size_t i = 0; i < count; i++) {
    prefix[i] = product;
    denominator[i] = hf_fq_zero();
    if (!q[i] || hf_g1_is_infinity(acc[i])) continue;
    denominator[i] = hf_fq_sub(q[i]->x, acc[i].x);
    if (!hf_fq_is_zero(denominator[i])) product = hf_fq_mul(product, denominator[i]);
  }
  product = hf_fq_inv(product);
  for (size_t i = count; i-- > 0;) {
    if (!q[i]) continue;
    if (hf_g1_is_infinity(acc[i])) {
      acc[i] = *q[i];
    } else if (hf_fq_is_zero(denominator[i])) { /* equal or opposite points: the general formula */
      acc[i] = hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(acc[i]), *q[i]));
    } else {
      hf_fq inverse = hf_fq_mul(product, prefix[i]);
      product = hf_fq_mul(product, denominator[i]);
      hf_fq slope = hf_fq_mul(hf_fq_sub(q[i]->y, acc[i].y), inverse);
      hf_fq x = hf_fq_sub(hf_fq_sub(hf_fq_sqr(slope), acc[i].x), q[i]->x);
      acc[i].y = hf_fq_sub(hf_fq_mul(slope, hf_fq_sub(acc[i].x, x)), acc[i].y);
      acc[i].x = x;
    }
  }
}

static void table_body(void *context, size_t begin, size_t end, unsigned thread) {
  (void)thread;
  power_task *t = context;
  size_t size = (size_t)1 << t->window;
  for (size_t w = begin; w < end; w++) {
    hf_g1 *row = t->table + w * size;
    hf_g1_xyzz base = hf_g1_to_xyzz(hf_g1_generator());
    for (size_t i = 0; i < w * t->window; i++) base = hf_g1_xyzz_dbl(base);
    row[1] = hf_g1_from_xyzz(base);
    /* row[h + j] = row[h] + row[j] for 0 < j < h, h the powers of two: batches of independent additions */
    for (size_t h = 2; h < size; h *= 2) {
      row[h] = hf_g1_from_xyzz(hf_g1_xyzz_dbl(hf_g1_to_xyzz(row[h / 2])));
      for (size_t j = 1; j < h; j += BATCH) {
        const hf_g1 *q[BATCH];
        size_t m = h - j < BATCH ? h - j : BATCH;
        for (size_t k = 0; k < m; k++) {
          row[h + j + k] = row[h];
          q[k] = &row[j + k];
        }
        add_batch(row + h + j, q, m);
      }
    }
  }
}

static void power_body(void *context, size_t begin, size_t end, unsigned thread) {
  (void)thread;
  power_task *t = context;
  hf_fr scalars[BATCH], power = hf_fr_pow_u64(t->tau, begin);
  size_t mask = ((size_t)1 << t->window) - 1;
  for (size_t i = begin; i < end; i += BATCH) {
    const hf_g1 *q[BATCH];
    size_t m = end - i < BATCH ? end - i : BATCH;
    for (size_t k = 0; k < m; k++) {
      scalars[k] = hf_fr_to_limbs(power);
      power = hf_fr_mul(power, t->tau);
      t->points[i + k] = hf_g1_infinity();
    }
    for (unsigned w = 0; w < t->windows; w++) {
      unsigned bit = w * t->window;
      for (size_t k = 0; k < m; k++) {
        uint64_t digit = scalars[k].l[bit / 64] >> (bit % 64);
        if (bit % 64 + t->window > 64 && bit / 64 < 3) digit |= scalars[k].l[bit / 64 + 1] << (64 - bit % 64);
        digit &= mask;
        q[k] = digit ? t->table + ((size_t)w << t->window) + digit : NULL;
      }
      add_batch(t->points + i, q, m);
    }
  }
}

hf_status hf_srs_generate(const char *text, size_t count, unsigned threads, hf_srs **out) {
  hf_status status = HF_OK;
  hf_srs *srs = NULL;
  power_task task = {0};
  *out = NULL;
  if (count < 2 || count > (size_t)1 << 30) return hf_fail(HF_E_ARGUMENT, "an SRS has 2 to 2^30 points, not %zu", count);
  threads = hf_srs_threads(threads);
  task.tau = hf_development_tau(text);

  /* a point costs 254/w additions, the table 254/w 2^w */
  task.window = 4;
  while (task.window < 16 && ((size_t)1 << (task.window + 3)) < count) task.window++;
  task.windows = (254 + task.window - 1) / task.window;
  task.table = calloc((size_t)task.windows << task.window, sizeof(hf_g1));
  if (!task.table) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the table of the generator"));
  HF_TRY(hf_srs_allocate(count, &srs));
  task.points = srs->memory;
  hf_srs_parallel(threads, task.windows, table_body, &task);
  hf_srs_parallel(threads, count, power_body, &task);
  srs->tau_g2 = hf_g2_mul(hf_g2_generator(), task.tau);
  srs->development = true;
  strncpy(srs->name, "development", sizeof srs->name - 1);
  *out = srs;
  srs = NULL;
out:
  free(task.table);
  hf_srs_destroy(&srs);
  return status;
}

/* --- files ------------------------------------------------------------------- */

hf_status hf_srs_save(const char *path, const hf_srs *srs) {
  hf_writer w = {0};
  uint8_t g2[HF_G2_BYTES], zeros[SRS_HEADER] = {0};
  hf_write_u32(&w, srs->development);
  hf_write_u32(&w, 0);
  hf_write_u64(&w, srs->count);
  hf_write_bytes(&w, srs->name, HF_SRS_NAME);
  hf_g2_to_bytes(srs->tau_g2, g2);
  hf_write_bytes(&w, g2, sizeof g2);
  hf_write_bytes(&w, zeros, SRS_HEADER - w.length);
  hf_status status = hf_writer_status(&w);
  hf_bytes parts[2] = {{w.data, w.length}, {(const uint8_t *)srs->points, srs->count * sizeof(hf_g1)}};
  if (status == HF_OK) status = hf_container_write(path, HF_SRS_KIND, HF_SRS_VERSION, parts, 2);
  hf_writer_free(&w);
  return status;
}

hf_status hf_srs_read_header(hf_reader *r, hf_srs *srs) {
  hf_status status;
  uint32_t flags, zero;
  uint64_t count;
  uint8_t g2[HF_G2_BYTES];
  const uint8_t *padding;
  HF_TRY(hf_read_u32(r, "SRS: flags", &flags));
  HF_TRY(hf_read_u32(r, "SRS: reserved", &zero));
  HF_TRY(hf_read_u64(r, "SRS: count", &count));
  HF_TRY(hf_read_bytes(r, "SRS: name", srs->name, HF_SRS_NAME));
  HF_TRY(hf_read_bytes(r, "SRS: [tau]_2", g2, sizeof g2));
  size_t rest = SRS_HEADER - r->offset;
  HF_TRY(hf_read_view(r, "SRS: padding", rest, &padding));
  if (flags > 1 || zero != 0) return hf_fail(HF_E_FORMAT, "SRS: unknown flags %u", flags);
  if (srs->name[HF_SRS_NAME - 1]) return hf_fail(HF_E_FORMAT, "SRS: the name is not terminated");
  for (size_t i = strlen(srs->name); i < HF_SRS_NAME; i++)
    if (srs->name[i]) return hf_fail(HF_E_FORMAT, "SRS: something stands behind the name");
  for (size_t i = 0; i < rest; i++)
    if (padding[i]) return hf_fail(HF_E_FORMAT, "SRS: the padding is not zero");
  if (count < 2 || count > hf_reader_left(r) / sizeof(hf_g1) || count * sizeof(hf_g1) != hf_reader_left(r))
    return hf_fail(HF_E_FORMAT, "SRS: %llu points do not match %zu bytes", (unsigned long long)count, hf_reader_left(r));
  HF_TRY(hf_g2_from_bytes(g2, false, &srs->tau_g2));
  if (hf_g2_eq(srs->tau_g2, hf_g2_generator()) || hf_g2_eq(srs->tau_g2, hf_g2_neg(hf_g2_generator())))
    return hf_fail(HF_E_REFUSED, "SRS: tau is 1 or -1");
  if (!(flags & 1) && hf_development_setup(srs->tau_g2))
    return hf_fail(HF_E_REFUSED, "SRS: the development setup, but not marked so");
  srs->development = flags & 1;
  srs->count = (size_t)count;
out:
  return status;
}

hf_status hf_srs_load(const char *path, hf_srs **out) {
  hf_status status = HF_OK;
  hf_srs *srs = calloc(1, sizeof *srs);
  *out = NULL;
  if (!srs) return hf_fail(HF_E_MEMORY, "no memory for an SRS");
  HF_TRY(hf_container_map(path, HF_SRS_KIND, HF_SRS_VERSION, &srs->file));
  hf_bytes payload = hf_container_payload(srs->file);
  hf_reader r = hf_reader_over(payload.data, payload.length);
  status = hf_srs_read_header(&r, srs);
  if (status != HF_OK) {
    hf_fail_context(status, "%s", path);
    goto out;
  }
  srs->points = (const hf_g1 *)(const void *)((const uint8_t *)payload.data + SRS_HEADER);
  *out = srs;
  srs = NULL;
out:
  hf_srs_destroy(&srs);
  return status;
}

/* --- checks -------------------------------------------------------------------- */

typedef struct curve_task {
  const hf_g1 *points;
  size_t bad[HF_SRS_MAX_THREADS]; /* first bad point of each thread, or SIZE_MAX */
} curve_task;

static void curve_body(void *context, size_t begin, size_t end, unsigned thread) {
  curve_task *t = context;
  t->bad[thread] = SIZE_MAX;
  for (size_t i = begin; i < end; i++) {
    hf_g1 p = t->points[i];
    if (!hf_fq_is_reduced(p.x) || !hf_fq_is_reduced(p.y) || !hf_g1_on_curve(p)) {
      t->bad[thread] = i;
      return;
    }
  }
}

/* e(sum c_i P_(i+1), [1]_2) = e(sum c_i P_i, [tau]_2) for c_i = rho^i, rho random: if the points are not consecutive
 * powers, a rho passes with probability below count / r. */
static hf_status powers_ok(const hf_srs *srs, hf_backend *backend, bool *ok) {
  hf_status status = HF_OK;
  hf_vec *scalars = NULL;
  hf_points *low = NULL, *high = NULL;
  size_t count = srs->count - 1;
  hf_fr block[BATCH], rho, power = hf_fr_one();
  hf_g1 pair[2];
  HF_TRY(hf_random_bytes(rho.l, sizeof rho.l));
  rho.l[3] >>= 4; /* below 2^252: any value below r is a Montgomery form */
  HF_TRY(backend->ops->vec_create(backend, count, &scalars));
  for (size_t i = 0; i < count; i += BATCH) {
    size_t m = count - i < BATCH ? count - i : BATCH;
    for (size_t k = 0; k < m; k++, power = hf_fr_mul(power, rho)) block[k] = power;
    HF_TRY(backend->ops->vec_upload(backend, scalars, i, block, m));
  }
  HF_TRY(backend->ops->points_create(backend, srs->points, count, &low));
  HF_TRY(backend->ops->points_create(backend, srs->points + 1, count, &high));
  HF_TRY(backend->ops->msm(backend, low, scalars, count, &pair[1]));
  HF_TRY(backend->ops->msm(backend, high, scalars, count, &pair[0]));
  pair[1] = hf_g1_neg(pair[1]);
  hf_g2 g2[2] = {hf_g2_generator(), srs->tau_g2};
  HF_TRY(hf_pairing_check(pair, g2, 2, ok));
out:
  if (low) backend->ops->points_destroy(backend, low);
  if (high) backend->ops->points_destroy(backend, high);
  if (scalars) backend->ops->vec_destroy(backend, scalars);
  return status;
}

hf_status hf_srs_check(const hf_srs *srs, hf_backend *backend, bool *ok) {
  *ok = false;
  if (!hf_g2_on_curve(srs->tau_g2) || !hf_g2_in_subgroup(srs->tau_g2) || hf_g2_eq(srs->tau_g2, hf_g2_generator()) ||
      hf_g2_eq(srs->tau_g2, hf_g2_neg(hf_g2_generator()))) {
    hf_fail(HF_E_VERIFY, "SRS: [tau]_2 is not in the group or a trivial power");
    return HF_OK;
  }
  curve_task task = {.points = srs->points};
  unsigned threads = hf_srs_threads(0);
  hf_srs_parallel(threads, srs->count, curve_body, &task);
  for (unsigned i = 0; i < threads; i++)
    if (task.bad[i] != SIZE_MAX) {
      hf_fail(HF_E_VERIFY, "SRS: point %zu is not a point of the curve", task.bad[i]);
      return HF_OK;
    }
  if (!hf_g1_eq(srs->points[0], hf_g1_generator())) {
    hf_fail(HF_E_VERIFY, "SRS: the first point is not the generator");
    return HF_OK;
  }
  hf_status status = powers_ok(srs, backend, ok);
  if (status == HF_OK && !*ok) hf_fail(HF_E_VERIFY, "SRS: the points are not the powers of the tau of [tau]_2");
  return status;
}
