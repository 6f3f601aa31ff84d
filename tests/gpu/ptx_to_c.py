"""Turns the PTX that nvcc makes of the kernels into C, so that a machine without a GPU can run what a GPU is given.

    ptx_to_c.py FILE.ptx FILE.c

Every entry becomes a function `hf_kernel_NAME(arguments)` for a whole group, which fake_cudart.c launches: the lanes take turns, in
a kernel with barriers each as far as the next one. What a GPU would not forgive stops the program: vectors of words that are
not aligned, shared memory beyond its end, lanes that wait at different barriers. An instruction that is not known here, or one
that reads a carry which no instruction before it in its block has set, is what every kernel of the file stops with.
"""
import json
import re
import sys

WIDTH = {"u8": 1, "b8": 1, "u16": 2, "b16": 2, "u32": 4, "s32": 4, "b32": 4, "u64": 8, "s64": 8, "b64": 8}
MOST_LANES = 1024  # of a group
COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

PRELUDE = """/* Made by ptx_to_c.py. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gpu/lang.h"
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
static void wrong(const char *what) {
  fprintf(stderr, "PTX: %s\\n", what);
  abort();
}
#define ALIGNED(a, n) do { if ((a) & ((n) - 1)) wrong("an address that is not aligned"); } while (0)
#define SHARED(a, n)  do { ALIGNED(a, n); if ((a) + (n) > sizeof shared) wrong("shared memory beyond its end"); } while (0)
#define ADD(d, a, b, c)  do { u64 t_ = (u64)(a) + (b) + (c); d = (u32)t_; cc = (u32)(t_ >> 32); } while (0)
#define SUB(d, a, b, c)  do { u64 t_ = (u64)(a) - (b) - (c); d = (u32)t_; cc = (u32)(t_ >> 32) & 1; } while (0)
#define MAD(d, h, a, b, e, c) ADD(d, (u32)((u64)(a) * (b) >> (h)), e, c)
"""


class Body:
    """One function's statements as C."""

    def __init__(self, name, params, text, entry):
        self.name, self.params, self.entry = name, params, entry
        self.barriers = 0
        self.out, self.declared = [], []
        self.shared = 0
        self.carry = False  # set in this block
        text = self.declarations(text)
        text = re.sub(r"(?m)^(\$\w+:)|^\s*([{}])\s*$", r"\1\2;", text)
        for statement in (" ".join(s.split()) for s in text.split(";")):
            if not statement:
                continue
            if statement in "{}":
                self.out.append(statement)
            elif statement.endswith(":"):
                self.carry = False
                self.out.append(self.label(statement[:-1]) + ":;")
            else:
                self.instruction(statement)

    def declarations(self, text):
        """Registers, the stack and shared memory; gives what is left."""
        for kind, prefix, count in re.findall(r"\.reg \.(\w+)\s+%(\w+)<(\d+)>;", text):
            c = {"pred": "u32", "b16": "u16", "b32": "u32", "b64": "u64"}[kind]
            self.declared += [f"{c} {prefix}{i};" for i in range(int(count))]
        text = re.sub(r"\.reg \.\w+\s+[^;]*;", "", text)
        for size in re.findall(r"\.local \.align \d+ \.b8\s+__local_depot\d+\[(\d+)\];", text):
            self.declared += [f"_Alignas(16) u8 depot[{size}];", "u64 SPL, SP;"]
        text = re.sub(r"\.local [^;]*;", "", text)
        for name, size in re.findall(r"\.shared \.align \d+ \.b8\s+(\w+)\[(\d+)\];", text):
            self.out.append(f"enum {{ {name} = {self.shared} }};")
            self.shared += int(size)
        return re.sub(r"\.shared [^;]*;", "", text)

    @staticmethod
    def label(name):
        return name.replace("$", "")

    def value(self, x, ctype):
        if re.fullmatch(r"-?\d+|0[xX][0-9a-fA-F]+", x):
            return f"({ctype})INT64_C({x})" if x.startswith("-") else f"({ctype})UINT64_C({x})"
        special = {"%tid.x": "lane", "%ntid.x": "hf_serial_place_.lanes", "%ctaid.x": "hf_serial_place_.group"}
        if x in special:
            return special[x]
        if x.startswith("__local_depot"):
            return "(u64)(uintptr_t)depot"
        if x.startswith("%"):
            return f"({ctype}){x[1:]}"
        found = re.fullmatch(re.escape(self.name) + r"_param_(\d+)", x)
        if found and self.entry:
            return f"(u64)(uintptr_t)arguments[{found[1]}]"
        return f"({ctype})(uintptr_t){x}"  # a table, or a place in shared memory

    def memory(self, space, address, size):
        """A pointer, and the check that goes before it."""
        base, _, offset = address.strip("[] ").partition("+")
        offset = offset or "0"
        if space == "param":
            found = re.fullmatch(re.escape(self.name) + r"_param_(\d+)", base)
            if found and self.entry:
                return f"(u8 *)arguments[{found[1]}] + {offset}", None
            if not base.startswith("%"):
                return f"{base} + {offset}", None
        if space == "shared":
            at = f"({self.value(base, 'u64')} + {offset})"
            return f"shared + {at}", f"SHARED({at}, {size})"
        at = f"({self.value(base, 'u64')} + {offset})"
        return f"(u8 *)(uintptr_t){at}", f"ALIGNED({at}, {size})"

    def move(self, parts, operands, load):
        space = parts[1]
        count = int(parts[-2][1]) if re.fullmatch(r"v[24]", parts[-2]) else 1
        size = WIDTH[parts[-1]]
        registers, address = (operands[0], operands[1]) if load else (operands[1], operands[0])
        pointer, check = self.memory(space, address, size * count)
        registers = [r.strip() for r in registers.strip("{} ").split(",")]
        lines = [check + ";"] if check else []
        for i, r in enumerate(registers):
            at = f"{pointer} + {i * size}"
            if load:
                lines.append(f"{{ u{8 * size} v_; memcpy(&v_, {at}, {size}); {r[1:]} = v_; }}")
            else:
                lines.append(f"{{ u{8 * size} v_ = {self.value(r, f'u{8 * size}')}; memcpy({at}, &v_, {size}); }}")
        return " ".join(lines)

    def chain(self, op, d, a):
        """Instructions with the carry flag; None if it is none of them."""
        if not re.match(r"(add|sub|mad)c?(\.(lo|hi))?(\.cc)?\.u32$", op) or not ("c." in op or ".cc" in op):
            return None
        reads = re.match(r"(add|sub|mad)c", op) is not None
        if reads and not self.carry:
            raise ValueError(f"{self.name}: {op} without a carry")
        self.carry = self.carry if not op.endswith(".cc.u32") else True
        x = [self.value(v, "u32") for v in a]
        cc = "cc" if reads else "0"
        if op.startswith("mad"):
            return f"MAD({d}, {32 if '.hi' in op else 0}, {x[0]}, {x[1]}, {x[2]}, {cc});"
        return f"{op[:3].upper()}({d}, {x[0]}, {x[1]}, {cc});"

    def compute(self, op, operands):
        parts = op.split(".")
        d = operands[0].lstrip("%")
        a = operands[1:]
        kind = parts[-1]
        c = {"pred": "u32"}.get(kind, kind.replace("b", "u"))
        line = self.chain(op, d, a)
        if line:
            return line
        x = [self.value(v, c) for v in a]
        verb = parts[0]
        unsigned = c.replace("s", "u")
        if verb in ("add", "sub") and len(parts) == 2:
            u = [self.value(v, unsigned) for v in a]
            return f"{d} = {u[0]} {'+' if verb == 'add' else '-'} {u[1]};"
        if verb in ("and", "or", "xor"):
            return f"{d} = {x[0]} {({'and': '&', 'or': '|', 'xor': '^'})[verb]} {x[1]};"
        if verb == "not":
            return f"{d} = !{x[0]};" if kind == "pred" else f"{d} = ~{x[0]};"
        if verb == "neg":
            return f"{d} = ({unsigned})-{x[0]};"
        if verb in ("mov", "cvta"):
            if a[0].startswith("{"):  # {low, high}
                low, high = (self.value(v.strip(), "u32") for v in a[0].strip("{}").split(","))
                return f"{d} = {low} | (u64){high} << 32;"
            if operands[0].startswith("{"):
                low, high = (v.strip()[1:] for v in operands[0].strip("{}").split(","))
                return f"{{ u64 v_ = {self.value(a[0], 'u64')}; {low} = (u32)v_; {high} = (u32)(v_ >> 32); }}"
            return f"{d} = {x[0]};"
        if verb == "cvt":
            return f"{d} = ({parts[-2].replace('b', 'u')}){self.value(a[0], kind)};"
        if verb in ("shl", "shr"):
            n, bits = self.value(a[1], "u32"), 8 * WIDTH[kind]
            if verb == "shr" and kind.startswith("s"):
                return f"{d} = {x[0]} >> ({n} < {bits} ? {n} : {bits - 1});"
            return f"{d} = {n} < {bits} ? {x[0]} {'<<' if verb == 'shl' else '>>'} {n} : 0;"
        if verb == "selp":
            return f"{d} = {self.value(a[2], 'u32')} ? {x[0]} : {x[1]};"
        if verb == "setp" and len(parts) == 3:
            return f"{d} = {x[0]} {COMPARE[parts[1]]} {x[1]};"
        if verb in ("min", "max"):
            return f"{d} = {x[0]} {'<' if verb == 'min' else '>'} {x[1]} ? {x[0]} : {x[1]};"
        if verb in ("div", "rem"):
            return f"{d} = {x[0]} {'/' if verb == 'div' else '%'} {x[1]};"
        if op.startswith("mul.lo"):
            return f"{d} = {self.value(a[0], unsigned)} * {self.value(a[1], unsigned)};"
        if op.startswith("mul.wide"):
            return f"{d} = (u64)(({'s64' if kind[0] == 's' else 'u64'}){x[0]} * {x[1]});"
        if op == "mul.hi.u32":
            return f"{d} = (u32)((u64){x[0]} * {x[1]} >> 32);"
        if op.startswith("mad.lo"):
            u = [self.value(v, unsigned) for v in a]
            return f"{d} = {u[0]} * {u[1]} + {u[2]};"
        if verb == "bfi":
            at, length = int(a[2]), int(a[3])
            mask = ((1 << length) - 1) << at
            return f"{d} = ({x[1]} & ~UINT64_C({mask})) | ({x[0]} << {at} & UINT64_C({mask}));"
        raise ValueError(f"{self.name}: unknown instruction {op} {operands}")

    def instruction(self, text):
        guard = re.match(r"@(!?)%(p\d+) (.*)", text)
        condition = ""
        if guard:
            condition, text = f"if ({guard[1]}{guard[2]}) ", guard[3]
        if text.startswith(".pragma"):
            return
        if text.startswith(".param"):
            found = re.fullmatch(r"\.param \.align \d+ \.b8 (\w+)\[(\d+)\]", text)
            self.out.append(f"_Alignas(16) u8 {found[1]}[{found[2]}];")
            return
        op, _, rest = text.partition(" ")
        operands = [o.strip() for o in re.findall(r"\{[^}]*\}|\[[^\]]*\]|\([^)]*\)|[^,\s]+", rest)]
        parts = op.split(".")
        if parts[0] == "bra":
            line = f"goto {self.label(operands[0])};"
            self.carry = False
        elif parts[0] == "ret":
            line = "return 0;" if self.entry else "return;"
        elif parts[0] in ("bar", "barrier"):
            self.barriers += 1
            self.carry = False
            line = f"at = {self.barriers}; return {self.barriers}; after_{self.barriers}:;"
        elif parts[0] == "call":
            self.carry = False
            result = [operands[0].strip("() ")] if operands[0].startswith("(") else []
            callee = operands[len(result)]
            arguments = [v.strip() for v in operands[-1].strip("()").split(",")] if operands[-1].startswith("(") else []
            line = f"{callee}({', '.join((result or ['NULL']) + arguments)});"
        elif parts[0] == "ld":
            line = self.move(parts, operands, True)
        elif parts[0] == "st":
            line = self.move(parts, operands, False)
        elif op == "atom.global.add.u32":
            pointer, check = self.memory("global", operands[1], 4)
            line = (f"{check}; {operands[0][1:]} = __atomic_fetch_add((u32 *){pointer}, "
                    f"{self.value(operands[2], 'u32')}, __ATOMIC_RELAXED);")
        else:
            line = self.compute(op, operands)
        if condition and " " in line.strip().rstrip(";") and not line.startswith("goto"):
            line = "{ " + line + " }"
        self.out.append(condition + line)

    def c(self):
        if not self.entry:
            arguments = "".join(f", const u8 *{p}" for p in self.params)
            return "\n".join([f"static void {self.name}(u8 *func_retval0{arguments}) {{", "u32 cc = 0; (void)cc; (void)func_retval0;"]
                             + self.declared + self.out + ["}"])
        fields = "\n".join(self.declared)
        shared = [f"static _Alignas(16) u8 shared[{self.shared}];"] if self.shared else []
        head = shared + [f"void {self.name}(void *const *arguments);"]
        if not self.barriers:
            run = [f"static int lane_{self.name}(void *const *arguments, u32 lane) {{", "u32 cc = 0; (void)cc; (void)lane; (void)arguments;"]
            return "\n".join(head + run + self.declared + self.out + ["return 0;", "}",
                f"void {self.name}(void *const *arguments) {{",
                f"for (u32 lane = 0; lane < hf_serial_place_.lanes; lane++) (void)lane_{self.name}(arguments, lane);", "}"])
        # Registers outlive a barrier: they are the lane's, under the names that the statements use.
        names = re.findall(r"\w+ (\w+);", fields)
        struct = f"struct state_{self.name} {{ u32 at;\n{fields}\n}};"
        jumps = "".join(f"case {i}: goto after_{i}; " for i in range(1, self.barriers + 1))
        return "\n".join(head + [struct, f"static int lane_{self.name}(struct state_{self.name} *s_, void *const *arguments, u32 lane) {{",
            "u32 cc = 0; (void)cc;"] + [f"#define {n} s_->{n}" for n in names + ["at"]]
            + [f"switch (at) {{ {jumps} default: break; }}"] + self.out + ["return 0;"] + [f"#undef {n}" for n in names + ["at"]] + ["}",
            f"void {self.name}(void *const *arguments) {{", f"static struct state_{self.name} s[{MOST_LANES}];",
            f'if (hf_serial_place_.lanes > {MOST_LANES}) wrong("too many lanes");',
            "for (u32 i = 0; i < hf_serial_place_.lanes; i++) s[i].at = 0;",
            "for (int barrier = 1; barrier;) {",
            f"for (u32 lane = 0; lane < hf_serial_place_.lanes; lane++) {{ int now = lane_{self.name}(&s[lane], arguments, lane);",
            'if (lane && now != barrier) wrong("lanes at different barriers");', "barrier = now; }", "}", "}"])


def body_end(text, start):
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError("no end of a function")


def translate(text):
    text = re.sub(r"//[^\n]*", "", text)
    out = []
    for name, size, data in re.findall(r"\.global \.align \d+ \.b8 (\w+)\[(\d+)\] = \{([^}]*)\};", text):
        out.append(f"static const _Alignas(16) u8 {name}[{size}] = {{{data}}};")
    for found in re.finditer(r"\.(entry|func)\s+(?:\([^)]*\)\s*)?(\w+)\s*\(([^)]*)\)([^{;]*)\{", text):
        params = re.findall(r"(\w+)(?:\[\d+\])?\s*(?:,|$)", found[3].strip())
        end = body_end(text, found.end() - 1)
        out.append(Body(found[2], params, text[found.end():end] + "\n", found[1] == "entry").c())
    return "\n".join(out)


def main(source, target):
    with open(source, encoding="ascii") as f:
        text = f.read()
    try:
        made = translate(text)
    except Exception as error:  # the tests fail, not the build
        reason = json.dumps(f"{source}: {error!r}")
        made = "".join(f"void {name}(void *const *arguments) {{ (void)arguments; wrong({reason}); }}\n"
                       for name in re.findall(r"\.entry\s+(\w+)", text))
    with open(target, "w", encoding="ascii") as f:
        f.write(PRELUDE + made + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
