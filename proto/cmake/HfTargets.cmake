# What every target of the project shares: warnings, instrumentation, and the
# one way to add a library, a test and a fuzz target.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(hf_flags INTERFACE)
target_compile_options(hf_flags INTERFACE -Wall -Wextra -Wshadow -Wpointer-arith
  -Wstrict-prototypes -Wmissing-prototypes -Wvla -fno-strict-aliasing -fno-omit-frame-pointer)
target_compile_definitions(hf_flags INTERFACE _GNU_SOURCE)
if(HF_SANITIZE)
  target_compile_options(hf_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(hf_flags INTERFACE -fsanitize=address,undefined)
endif()
if(HF_COVERAGE)
  target_compile_options(hf_flags INTERFACE --coverage)
  target_link_options(hf_flags INTERFACE --coverage)
endif()
if(HF_FUZZ)
  target_compile_options(hf_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# hf_library(name SOURCES ... PUBLIC targets... PRIVATE targets... INCLUDES dirs...)
# INCLUDES are the folders whose headers the library's users may include: a
# target that does not link the library cannot include them.
function(hf_library name)
  cmake_parse_arguments(A "" "" "SOURCES;PUBLIC;PRIVATE;INCLUDES" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PUBLIC ${A_INCLUDES} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${A_PUBLIC} PRIVATE hf_flags ${A_PRIVATE})
endfunction()

# Tests are compiled for a short build (what they test is a library, optimised as it ships). At -O1 gcc no longer sees
# that a reader that fails is always noticed.
set(HF_TEST_FLAGS -fno-pie -O1 $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)

# hf_test(name SOURCES ... LIBS ... [LABELS ...] [TIMEOUT s]): a Criterion binary run by CTest.
# Labels that tests/run knows: "slow" is left out under sanitizers, "soak" runs with --soak alone.
# -no-pie: Criterion runs each test in a fresh process and pointers in the rows
# of parameterized tests only survive that when the addresses do not move.
function(hf_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT HF_TESTS OR HF_FUZZ)
    return()
  endif()
  pkg_check_modules(CRITERION REQUIRED IMPORTED_TARGET criterion)
  add_executable(${name} ${A_SOURCES})
  target_compile_options(${name} PRIVATE ${HF_TEST_FLAGS})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_options(${name} PRIVATE -no-pie)
  target_link_libraries(${name} PRIVATE ${A_LIBS} hf_flags PkgConfig::CRITERION)
  target_compile_definitions(${name} PRIVATE HF_SOURCE_DIR="${CMAKE_SOURCE_DIR}" HF_BINARY_DIR="${CMAKE_BINARY_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  # tests/run_criterion fails a suite that ran no test.
  add_test(NAME ${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/run_criterion $<TARGET_FILE:${name}>)
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
  if(A_TIMEOUT)
    # What may take long starts first, so that the end is not one long test alone.
    set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT} COST ${A_TIMEOUT})
  endif()
  if(A_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${A_LABELS}")
  endif()
endfunction()

# hf_test_support(name SOURCES ... LIBS ...): what several suites of a folder share, compiled once.
function(hf_test_support name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT HF_TESTS OR HF_FUZZ)
    return()
  endif()
  pkg_check_modules(CRITERION REQUIRED IMPORTED_TARGET criterion)
  add_library(${name} STATIC ${A_SOURCES})
  target_compile_options(${name} PRIVATE ${HF_TEST_FLAGS})
  target_compile_definitions(${name} PRIVATE HF_SOURCE_DIR="${CMAKE_SOURCE_DIR}" HF_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name} PUBLIC ${A_LIBS} PRIVATE hf_flags PkgConfig::CRITERION)
endfunction()

# hf_fuzz(name SOURCES ... LIBS ...): a libFuzzer target, built by the fuzz preset (clang) only. The target
# fuzz_targets builds them all.
if(HF_FUZZ)
  add_custom_target(fuzz_targets)
endif()
function(hf_fuzz name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT HF_FUZZ)
    return()
  endif()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_LIBS} hf_flags)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  add_dependencies(fuzz_targets ${name})
endfunction()

# hf_protobuf(VARIABLE FILE): C code for a .proto file, in the folder wire/ of the build; VARIABLE gets its sources.
# Generated code keeps its own warnings.
function(hf_protobuf variable file)
  find_program(PROTOC_C protoc-c REQUIRED)
  get_filename_component(name ${file} NAME_WE)
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR}/${file} DIRECTORY)
  set(wire ${CMAKE_CURRENT_BINARY_DIR}/wire)
  file(MAKE_DIRECTORY ${wire})
  add_custom_command(
    OUTPUT ${wire}/${name}.pb-c.c ${wire}/${name}.pb-c.h
    COMMAND ${PROTOC_C} --c_out=${wire} -I ${folder} ${CMAKE_CURRENT_SOURCE_DIR}/${file}
    DEPENDS ${file})
  set_source_files_properties(${wire}/${name}.pb-c.c PROPERTIES COMPILE_OPTIONS -w)
  set(${variable} ${wire}/${name}.pb-c.c ${wire}/${name}.pb-c.h PARENT_SCOPE)
endfunction()
