"""Makes selftest_answers.h: python3 selftest_answers.py selftest_answers.h

Big integers and definitions only: nothing of the arithmetic that the answers test. Vectors are
x_i = 5^(i+1); a vector's fingerprint is sum of v_i * 3^i."""
import sys

r = 21888242871839275222246405745257275088548364400416034343698204186575808495617
q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
LOG_N, COUNT, TERMS = 12, 300, 300
N = 1 << LOG_N
x = [pow(5, i + 1, r) for i in range(N)]
w = pow(5, (r - 1) >> LOG_N, r)


def fingerprint(v):
    return sum(a * pow(3, i, r) for i, a in enumerate(v)) % r


def value(coefficients, at):
    y = 0
    for c in reversed(coefficients):
        y = (y * at + c) % r
    return y


def add(p, s):
    if p is None or s is None:
        return p or s
    if p[0] == s[0]:
        if (p[1] + s[1]) % q == 0:
            return None
        m = 3 * p[0] * p[0] * pow(2 * p[1], -1, q)
    else:
        m = (s[1] - p[1]) * pow(s[0] - p[0], -1, q)
    a = (m * m - p[0] - s[0]) % q
    return a, (m * (p[0] - a) - p[1]) % q


def multiple(k):
    p, s = None, (1, 2)
    while k:
        if k & 1:
            p = add(p, s)
        s = add(s, s)
        k >>= 1
    return p


answers = []
# transforms: value 777, by the definition
answers.append(("NTT_777", r, value(x, pow(w, 777, r))))
answers.append(("COSET_NTT_777", r, value(x, 7 * pow(w, 777, r))))
# scalars 0, 1, small and full: sum of s_i * (i+1) G
scalars = [[0, 1, i, x[i], r - 1, x[i]][i % 6] for i in range(TERMS)]
point = multiple(sum(s * (i + 1) for i, s in enumerate(scalars)) % r)
answers += [("MSM_X", q, point[0]), ("MSM_Y", q, point[1])]
point = multiple(sum(x[i] * (2 * i + 2) for i in range(TERMS // 2)) % r)  # part 1 of 2; part 0 is zero
answers += [("COMMIT_X", q, point[0]), ("COMMIT_Y", q, point[1])]
answers.append(("BATCH_INVERSE", r, fingerprint([pow(a, -1, r) for a in x[:COUNT]])))
answers.append(("AXPY", r, fingerprint([a + 11 * a for a in x[:COUNT]])))
strided = x[:COUNT]
for i in range(COUNT // 3):
    strided[3 * i + 1] += 11 * x[i]
answers.append(("AXPY_STRIDED", r, fingerprint(strided)))
answers.append(("SCALE", r, fingerprint([11 * a for a in x[:COUNT]])))
answers.append(("HADAMARD", r, fingerprint([a * a for a in x[:COUNT]])))
answers.append(("EVALUATE", r, value(x[:COUNT], 11)))
v = x[:COUNT]
for i in range(COUNT - 1, 2, -1):
    v[i - 3] = (v[i - 3] + 2 * v[i]) % r
answers.append(("DIVIDE", r, fingerprint(v[3:])))
answers.append(("DIVIDE_REMAINDER", r, fingerprint(v[:3])))
# two wires x_i and x_i^2, permutations 7 x_i and x_i + 1, beta 13, gamma 17
z, out = 1, []
for i in range(N):
    out.append(z)
    o = pow(w, i, r)
    over = (x[i] + 13 * o + 17) * (x[i] * x[i] + 13 * 5 * o + 17)
    z = z * over * pow((x[i] + 13 * 7 * x[i] + 17) * (x[i] * x[i] + 13 * (x[i] + 1) + 17), -1, r) % r
answers.append(("GRAND_PRODUCT", r, fingerprint(out)))
total, out = 0, []
for a in x[:COUNT]:
    out.append(total)
    total = (total + a) % r
answers += [("PREFIX_SUM", r, fingerprint(out)), ("PREFIX_SUM_TOTAL", r, total)]

with open(sys.argv[1], "w") as f:
    f.write("/* Known answers for selftest.c, in Montgomery form. Made by selftest_answers.py in this folder. */\n")
    f.write("#ifndef HF_SELFTEST_ANSWERS_H\n#define HF_SELFTEST_ANSWERS_H\n\n")
    for name, p, a in answers:
        m = a % p * 2**256 % p
        limbs = ", ".join("0x%016xull" % (m >> 64 * i & 2**64 - 1) for i in range(4))
        f.write("#define HF_ANSWER_%-16s {{%s}}\n" % (name, limbs))
    f.write("\n#endif\n")
