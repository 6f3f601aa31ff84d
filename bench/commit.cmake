cmake_minimum_required(VERSION 3.25)
# Writes the commit that is being built into a header, which changes only when the commit does.
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
                RESULT_VARIABLE failed ERROR_QUIET)
if(failed)
  set(commit unknown)
else()
  execute_process(COMMAND git -C ${SOURCE} diff --quiet HEAD -- bench deploy kernels proto prover queue sequencer-lite verifier
                  RESULT_VARIABLE changed OUTPUT_QUIET ERROR_QUIET)
  if(changed)
    string(APPEND commit "+changes")
  endif()
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define HF_BENCH_COMMIT \"@commit@\"\n" @ONLY)
