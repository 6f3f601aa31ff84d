"""Makes poseidon2_constants.h: python3 poseidon2_constants.py poseidon2_constants.h"""
import sys

r=21888242871839275222246405745257275088548364400416034343698204186575808495617
def grain(n,t,RF,RP):
    s=[]
    def put(v,b):
        for i in range(b-1,-1,-1): s.append((v>>i)&1)
    put(1,2); put(0,4); put(n,12); put(t,12); put(RF,10); put(RP,10); put(2**30-1,30)
    assert len(s)==80
    def nb():
        b=s[62]^s[51]^s[38]^s[23]^s[13]^s[0]
        s.pop(0); s.append(b); return b
    for _ in range(160): nb()
    while True:
        b=nb()
        while b==0:
            nb(); b=nb()
        yield nb()
g=grain(254,4,8,56)
def el():
    while True:
        v=0
        for _ in range(254): v=v*2+next(g)
        if v<r: return v
a=[]
for rd in range(64):
    if rd<4 or rd>=60: a.append([el() for _ in range(4)])
    else: a.append([el()])
diag=[0x10dc6e9c006ea38b04b1e03b4bd9490c0d03f98929ca1d7fb56821fd19d3b6e7,0x0c28145b6a44df3e0149b3d0a30b3bb599df9756d4dd9b84a86b38cfb45a740b,0x00544b8338791518b2c7645a50392798b21f75bb60e3596170067d00141cac15,0x222c01175718386f2e2e82eb122789e352e105a3b8fa852613bc534433ee428b]
# linear forms over symbols: (y1,b,c,d,y2,y3,y4,y5)
def MI(s): 
    tot=[sum(x)%r for x in zip(*s)]
    return [[(diag[i]*s[i][k]+tot[k])%r for k in range(8)] for i in range(4)]
E=lambda i:[1 if k==i else 0 for k in range(8)]
s=[E(0),E(1),E(2),E(3)]
for k in range(5):
    if k>0: s[0]=E(3+k)
    s=MI(s)
# s[i] = sum coeff*symbols = next wires. unknown y2..y5 idx 4..7. Solve: A*y = n - B*u
A=[[s[i][4+j] for j in range(4)] for i in range(4)]
B=[[s[i][j] for j in range(4)] for i in range(4)]
def inv(M):
    n=len(M); M=[row[:]+[int(i==j) for j in range(n)] for i,row in enumerate(M)]
    for c in range(n):
        p=next(i for i in range(c,n) if M[i][c]%r)
        M[c],M[p]=M[p],M[c]
        iv=pow(M[c][c],-1,r); M[c]=[x*iv%r for x in M[c]]
        for i in range(n):
            if i!=c and M[i][c]:
                f=M[i][c]; M[i]=[(x-f*y)%r for x,y in zip(M[i],M[c])]
    return [row[n:] for row in M]
Ai=inv(A)
G=[ [Ai[i][j] for j in range(4)] + [(-sum(Ai[i][k]*B[k][j] for k in range(4)))%r for j in range(4)] for i in range(4)]
L=lambda x:[(x>>(64*i))&(2**64-1) for i in range(4)]
f=lambda x:"{{%s}}"%", ".join("0x%016xull"%l for l in L(x*2**256%r))
o='''/* Constants of Poseidon2 over Fr of BN254 with t = 4, R_F = 8, R_P = 56, x^5, in Montgomery form.
 *
 * The published instance that Noir and Barretenberg use. The round constants come from the
 * Grain LFSR of the Poseidon paper (field 1, s-box 0, n = 254, t = 4, R_F = 8, R_P = 56, the first
 * 160 bits discarded, self-shrinking, values >= r rejected): four for a full round, one for a partial
 * one, in the order of the rounds. The internal diagonal is the published one (HorizenLabs/poseidon2
 * and barretenberg, poseidon2_params). Made by poseidon2_constants.py in this folder. */
#ifndef HF_ARITH_POSEIDON2_CONSTANTS_H
#define HF_ARITH_POSEIDON2_CONSTANTS_H
#include "fr.h"

/* [0..31]: full rounds 0..7, four each; [32..87]: partial rounds 0..55. */
HF_TABLE hf_fr hf_poseidon2_rc[88] = {
'''
full=[x for i,x in enumerate(a) if len(x)==4]; part=[x for x in a if len(x)==1]
for x in full:
    for v in x: o+="  %s,\n"%f(v)
for x in part: o+="  %s,\n"%f(x[0])
o+='''};

/* The internal matrix is the matrix of ones plus this diagonal. */
HF_TABLE hf_fr hf_poseidon2_diagonal[4] = {
'''
for v in diag: o+="  %s,\n"%f(v)
o+='''};

/* Five partial rounds are linear in their s-box outputs y1..y5 and the state words b, c, d that enter.
 * Row k gives y(k+2) from (a', b', c', d', y1, b, c, d), where a'..d' is the state after the five rounds. */
HF_TABLE hf_fr hf_poseidon2_unroll[32] = {
'''
for row in G:
    for v in row: o+="  %s,\n"%f(v)
o+="};\n\n#endif\n"
open(sys.argv[1], 'w').write(o)
