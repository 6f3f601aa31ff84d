/* The self-test accepts every variant and catches each operation when that one lies. */
#include "support.h"
#include "relation_inputs.h"

static void passes(hf_backend *k) { OK(hf_backend_selftest(k)); }

static hf_backend *honest; /* the backend that the lying table stands in front of */
static const char *liar;   /* the operation that lies */
static int lies;

static void spoil(hf_backend *k, hf_vec *v, size_t at) {
  hf_fr x;
  honest->ops->vec_download(k, v, at, &x, 1);
  x = hf_fr_add(x, hf_fr_one());
  honest->ops->vec_upload(k, v, at, &x, 1);
  lies++;
}

#define LIE(name, parameters, arguments, spoiling)                                                           \
  static hf_status lie_##name parameters {                                                                   \
    hf_status status = honest->ops->name arguments;                                                          \
    if (strcmp(liar, #name) == 0) spoiling;                                                                  \
    return status;                                                                                           \
  }

LIE(ntt, (hf_backend * k, hf_vec *const *v, size_t c, unsigned n, hf_ntt_kind kind), (k, v, c, n, kind),
    spoil(k, v[0], 777))
LIE(coset_ntt,
    (hf_backend * k, hf_vec *const *o, const hf_vec *const *c, size_t count, size_t l, unsigned n, hf_fr s),
    (k, o, c, count, l, n, s), spoil(k, o[0], 777))
LIE(coset_intt, (hf_backend * k, hf_vec *v, unsigned n, hf_fr s), (k, v, n, s), spoil(k, v, 4095))
LIE(msm, (hf_backend * k, const hf_points *p, const hf_vec *s, size_t c, hf_g1 *o), (k, p, s, c, o),
    (*o = hf_g1_neg(*o), lies++))
LIE(commit, (hf_backend * k, const hf_points *p, const hf_vec *const *s, unsigned kappa, size_t l, hf_g1 *o),
    (k, p, s, kappa, l, o), (*o = hf_g1_neg(*o), lies++))
LIE(batch_inverse, (hf_backend * k, hf_vec *v, size_t c), (k, v, c), spoil(k, v, 299))
LIE(axpy, (hf_backend * k, hf_vec *a, hf_fr f, const hf_vec *x, size_t c), (k, a, f, x, c), spoil(k, a, 0))
LIE(axpy_strided, (hf_backend * k, hf_vec *a, size_t st, size_t of, hf_fr f, const hf_vec *x, size_t c),
    (k, a, st, of, f, x, c), spoil(k, a, 0))
LIE(scale, (hf_backend * k, hf_vec *v, hf_fr f, size_t c), (k, v, f, c), spoil(k, v, 100))
LIE(hadamard, (hf_backend * k, hf_vec *a, const hf_vec *x, size_t c), (k, a, x, c), spoil(k, a, 100))
LIE(evaluate, (hf_backend * k, const hf_vec *const *p, size_t c, size_t l, hf_fr x, hf_fr *o),
    (k, p, c, l, x, o), (o[0] = hf_fr_dbl(o[0]), lies++))
LIE(divide, (hf_backend * k, hf_vec *v, size_t l, size_t st, hf_fr r, hf_fr *rest), (k, v, l, st, r, rest),
    spoil(k, v, 1))
LIE(grand_product,
    (hf_backend * k, hf_vec *z, const hf_vec *const *w, const hf_vec *const *s, size_t c, unsigned n, hf_fr b,
     hf_fr g, bool *closes),
    (k, z, w, s, c, n, b, g, closes), spoil(k, z, 4095))
LIE(prefix_sum, (hf_backend * k, hf_vec *o, const hf_vec *t, size_t c, hf_fr *total), (k, o, t, c, total),
    spoil(k, o, 1))
LIE(poseidon2_compress4, (hf_backend * k, hf_vec *o, const hf_vec *in, size_t c), (k, o, in, c), spoil(k, o, 85))
LIE(sum_terms, (hf_backend * k, const struct hf_relation_inputs *in, hf_vec *a, hf_vec *b, hf_vec *c),
    (k, in, a, b, c), spoil(k, c, 31))
LIE(quotient, (hf_backend * k, const struct hf_relation_inputs *in, hf_fr s, hf_vec *o), (k, in, s, o),
    spoil(k, o, 30))

Test(cpu_selftest, accepts) { each_backend(passes); }

Test(cpu_selftest, catches_each_operation) {
  static const char *const names[] = {
      "ntt",           "coset_ntt", "coset_intt",    "msm",        "commit",
      "batch_inverse", "axpy",      "axpy_strided",  "scale",      "hadamard",
      "evaluate",      "divide",    "grand_product", "prefix_sum", "poseidon2_compress4",
      "sum_terms",     "quotient"};
  honest = open_backend();
  const hf_backend_ops *own = honest->ops;
  hf_backend_ops ops = *own;
  hf_backend keep = {own};
  ops.ntt = lie_ntt, ops.coset_ntt = lie_coset_ntt, ops.coset_intt = lie_coset_intt, ops.msm = lie_msm;
  ops.commit = lie_commit, ops.batch_inverse = lie_batch_inverse, ops.axpy = lie_axpy;
  ops.axpy_strided = lie_axpy_strided, ops.scale = lie_scale, ops.hadamard = lie_hadamard;
  ops.evaluate = lie_evaluate, ops.divide = lie_divide, ops.grand_product = lie_grand_product;
  ops.prefix_sum = lie_prefix_sum, ops.poseidon2_compress4 = lie_poseidon2_compress4;
  ops.sum_terms = lie_sum_terms, ops.quotient = lie_quotient;
  hf_backend *real = honest;
  real->ops = &ops;
  honest = &keep; /* the liars ask this table, with the real object */
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    liar = names[i];
    lies = 0;
    FAILS(hf_backend_selftest(real), HF_E_DEVICE);
    cr_assert_gt(lies, 0, "%s never ran", liar);
    cr_assert_not_null(strstr(hf_error_message(), liar), "%s: \"%s\"", liar, hf_error_message());
  }
  liar = "nobody";
  OK(hf_backend_selftest(real));
  ops.scale = NULL;
  FAILS(hf_backend_selftest(real), HF_E_UNSUPPORTED);
  cr_assert_not_null(strstr(hf_error_message(), "scale"));
  real->ops = own;
  hf_backend_destroy(&real);
}
