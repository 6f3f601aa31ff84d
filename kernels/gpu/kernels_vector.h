/* Kernels over vectors of Fr: element by element, powers, Horner, running sums and products, inverses, hashes.
 *
 * What is not element by element goes in chunks of HF_CHUNK: one kernel reduces every chunk to one element, the host calls
 * itself on those (gpu/vector.c), and another kernel applies the result to the chunks. */
#ifndef HF_GPU_KERNELS_VECTOR_H
#define HF_GPU_KERNELS_VECTOR_H
#include "arith/poseidon2.h"
#include "kernels.h"
#include "lang.h"

/* table of powers of x; one thread an entry */
HF_KERNEL(powers, HF_LANES, HF_OUT(hf_fr, table), HF_VALUE(hf_fr, x)) {
  HF_EACH_THREAD(i) {
    table[i] = hf_fr_pow_u64(x, i < HF_POWERS_SIZE ? i : (hf_u64)(i - HF_POWERS_SIZE) << HF_POWERS_LOG);
  }
}

/* acc[stride i + offset] += factor x[i]; factor 1 costs no multiplication */
HF_KERNEL(axpy, HF_LANES, HF_OUT(hf_fr, acc), HF_IN(hf_fr, x), HF_VALUE(hf_fr, factor), HF_VALUE(hf_u32, stride),
          HF_VALUE(hf_u32, offset), HF_VALUE(hf_u32, count)) {
  HF_EACH_THREAD(i) {
    if (i >= count) continue;
    hf_fr t = hf_fr_eq(factor, hf_fr_one()) ? x[i] : hf_fr_mul(factor, x[i]);
    acc[stride * i + offset] = hf_fr_add(acc[stride * i + offset], t);
  }
}

HF_KERNEL(scale, HF_LANES, HF_OUT(hf_fr, x), HF_VALUE(hf_fr, factor), HF_VALUE(hf_u32, count)) {
  HF_EACH_THREAD(i) {
    if (i < count) x[i] = hf_fr_mul(x[i], factor);
  }
}

/* x may be acc */
HF_KERNEL(hadamard, HF_LANES, HF_OUT(hf_fr, acc), HF_OUT(hf_fr, x), HF_VALUE(hf_u32, count)) {
  HF_EACH_THREAD(i) {
    if (i < count) acc[i] = hf_fr_mul(acc[i], x[i]);
  }
}

/* --- Horner: columns of a matrix of `stride` elements a row, `count` elements in all ------------ */

/* out[(stride k + r) out_stride + out_offset] = sum_j in[stride (HF_CHUNK k + j) + r] factor^j; one thread each */
HF_KERNEL(horner_chunks, HF_LANES, HF_OUT(hf_fr, out), HF_VALUE(hf_u32, out_stride), HF_VALUE(hf_u32, out_offset),
          HF_IN(hf_fr, in), HF_VALUE(hf_u32, stride), HF_VALUE(hf_u32, count), HF_VALUE(hf_u32, chunks),
          HF_VALUE(hf_fr, factor)) {
  HF_EACH_THREAD(t) {
    if (t >= chunks * stride) continue;
    hf_u64 first = (hf_u64)(t / stride) * HF_CHUNK * stride + t % stride;
    hf_fr h = hf_fr_zero();
    for (int j = HF_CHUNK - 1; j >= 0; j--) {
      hf_u64 i = first + (hf_u64)j * stride;
      if (i < count) h = hf_fr_add(hf_fr_mul(h, factor), in[i]);
    }
    out[t * out_stride + out_offset] = h;
  }
}

/* x_j becomes h_{j+1} of h_j = x_j + factor h_{j+1} in every column, where carry[stride k + r] is h behind chunk k, or
 * zero if has_carry is 0 */
HF_KERNEL(horner_apply, HF_LANES, HF_OUT(hf_fr, x), HF_IN(hf_fr, carry), HF_VALUE(hf_u32, has_carry),
          HF_VALUE(hf_u32, stride), HF_VALUE(hf_u32, count), HF_VALUE(hf_u32, chunks), HF_VALUE(hf_fr, factor)) {
  HF_EACH_THREAD(t) {
    if (t >= chunks * stride) continue;
    hf_u64 first = (hf_u64)(t / stride) * HF_CHUNK * stride + t % stride;
    hf_fr h = hf_fr_zero();
    if (has_carry) h = carry[t];
    for (int j = HF_CHUNK - 1; j >= 0; j--) {
      hf_u64 i = first + (hf_u64)j * stride;
      if (i >= count) continue;
      hf_fr own = x[i];
      x[i] = h;
      h = hf_fr_add(hf_fr_mul(h, factor), own);
    }
  }
}

/* --- running sums (product = 0) and products (1) ------------------------------------------------ */

HF_FN hf_fr hf_scan_step(hf_fr x, hf_fr y, hf_u32 product) { return product ? hf_fr_mul(x, y) : hf_fr_add(x, y); }

HF_KERNEL(scan_chunks, HF_LANES, HF_OUT(hf_fr, out), HF_IN(hf_fr, in), HF_VALUE(hf_u32, count), HF_VALUE(hf_u32, chunks),
          HF_VALUE(hf_u32, product)) {
  HF_EACH_THREAD(t) {
    if (t >= chunks) continue;
    hf_u32 end = count - t * HF_CHUNK < HF_CHUNK ? count : t * HF_CHUNK + HF_CHUNK;
    hf_fr sum = in[t * HF_CHUNK];
    for (hf_u32 i = t * HF_CHUNK + 1; i < end; i++) sum = hf_scan_step(sum, in[i], product);
    out[t] = sum;
  }
}

/* out[i] = what comes before in[i]; carry[k] is what comes before chunk k. out may be in. */
HF_KERNEL(scan_apply, HF_LANES, HF_OUT(hf_fr, out), HF_OUT(hf_fr, in), HF_IN(hf_fr, carry), HF_VALUE(hf_u32, has_carry),
          HF_VALUE(hf_u32, count), HF_VALUE(hf_u32, chunks), HF_VALUE(hf_u32, product)) {
  HF_EACH_THREAD(t) {
    if (t >= chunks) continue;
    hf_u32 end = count - t * HF_CHUNK < HF_CHUNK ? count : t * HF_CHUNK + HF_CHUNK;
    hf_fr sum = product ? hf_fr_one() : hf_fr_zero();
    if (has_carry) sum = carry[t];
    for (hf_u32 i = t * HF_CHUNK; i < end; i++) {
      hf_fr own = in[i];
      out[i] = sum;
      sum = hf_scan_step(sum, own, product);
    }
  }
}

/* --- inverses, by Montgomery's trick ------------------------------------------------------------ */

/* Chunk t of HF_INVERSE_CHUNK is x[t], x[t + chunks], ...: neighbours in a group read neighbours. Zeros are left out. */
HF_KERNEL(inverse_chunks, HF_LANES, HF_OUT(hf_fr, product), HF_IN(hf_fr, x), HF_VALUE(hf_u32, count),
          HF_VALUE(hf_u32, chunks)) {
  HF_EACH_THREAD(t) {
    if (t >= chunks) continue;
    hf_fr p = hf_fr_one();
    for (hf_u32 i = t; i < count; i += chunks)
      if (!hf_fr_is_zero(x[i])) p = hf_fr_mul(p, x[i]);
    product[t] = p;
  }
}

/* inverse[t] = 1 / the product of chunk t */
HF_KERNEL(inverse_apply, HF_LANES, HF_OUT(hf_fr, x), HF_IN(hf_fr, inverse), HF_VALUE(hf_u32, count),
          HF_VALUE(hf_u32, chunks)) {
  HF_EACH_THREAD(t) {
    if (t >= chunks) continue;
    hf_fr before[HF_INVERSE_CHUNK], p = hf_fr_one(), rest = inverse[t];
    int j = 0;
    for (hf_u32 i = t; i < count; i += chunks, j++) {
      before[j] = p;
      if (!hf_fr_is_zero(x[i])) p = hf_fr_mul(p, x[i]);
    }
    for (j--; j >= 0; j--) {
      hf_u32 i = t + (hf_u32)j * chunks;
      hf_fr own = x[i];
      if (hf_fr_is_zero(own)) continue;
      x[i] = hf_fr_mul(rest, before[j]);
      rest = hf_fr_mul(rest, own);
    }
  }
}

/* --- the rest ------------------------------------------------------------------------------------ */

HF_KERNEL(compress4, HF_LANES, HF_OUT(hf_fr, out), HF_IN(hf_fr, in), HF_VALUE(hf_u32, count)) {
  HF_EACH_THREAD(i) {
    if (i < count) out[i] = hf_poseidon2_compress4(in[4 * i], in[4 * i + 1], in[4 * i + 2], in[4 * i + 3]);
  }
}

/* Four independent chains of `rounds` multiplications a thread: what one multiplication costs. */
HF_KERNEL(multiply_chain, HF_LANES, HF_OUT(hf_fr, out), HF_VALUE(hf_fr, x), HF_VALUE(hf_u32, rounds)) {
  HF_EACH_THREAD(t) {
    hf_fr a = hf_fr_from_u64(t), b = hf_fr_add(a, x), c = hf_fr_add(b, x), d = hf_fr_add(c, x);
    for (hf_u32 i = 0; i < rounds; i++) {
      a = hf_fr_mul(a, x);
      b = hf_fr_mul(b, x);
      c = hf_fr_mul(c, x);
      d = hf_fr_mul(d, x);
    }
    out[t] = hf_fr_add(hf_fr_add(a, b), hf_fr_add(c, d));
  }
}

#endif
