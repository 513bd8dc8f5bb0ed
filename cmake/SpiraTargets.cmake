# What every target shares: language level, warnings, banned functions, sanitizers.
add_library(spira_warnings INTERFACE)
target_compile_options(spira_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
    $<$<C_COMPILER_ID:GNU>:-Wdouble-promotion> # clang takes each NAN for a promotion
    $<$<BOOL:${SPIRA_WERROR}>:-Werror>)

add_library(spira_options INTERFACE)
target_compile_definitions(spira_options INTERFACE _GNU_SOURCE)
target_include_directories(spira_options INTERFACE ${PROJECT_SOURCE_DIR})
# Under -std=c11 gcc makes no fused multiply-add unless told, and keeps loops with a comparison scalar for
# the sake of floating-point traps nobody sets; no -ffast-math anywhere.
target_compile_options(spira_options INTERFACE -ffp-contract=fast -fno-math-errno -fno-trapping-math)
if(SPIRA_SANITIZE)
    target_compile_options(spira_options INTERFACE -fsanitize=${SPIRA_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(spira_options INTERFACE -fsanitize=${SPIRA_SANITIZE})
endif()
if(SPIRA_FUZZ)
    # Coverage of every library, which is what libFuzzer steers by.
    target_compile_options(spira_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(SPIRA_COVERAGE)
    target_link_options(spira_options INTERFACE --coverage)
endif()

# Our own code: warnings and the list of banned functions. A program holds only those functions of the
# libraries that it can call; tests hold all, since Criterion finds its own in sections that nobody refers to.
function(spira_own target)
    if(SPIRA_COVERAGE) # of it, not of the tests and their twins
        target_compile_options(${target} PRIVATE --coverage -fprofile-update=atomic)
    endif()
    target_link_libraries(${target} PRIVATE spira_warnings PUBLIC spira_options)
    target_compile_options(${target} PRIVATE -include ${PROJECT_SOURCE_DIR}/core/base/banned.h
        -ffunction-sections -fdata-sections)
    get_target_property(kind ${target} TYPE)
    if(kind STREQUAL EXECUTABLE AND NOT SPIRA_SANITIZE)
        target_link_options(${target} PRIVATE -Wl,--gc-sections)
    endif()
endfunction()

# spira_adapter(name SOURCES a.c b.c LIBS pkg::x): the library spira_adapter_<name>.
function(spira_adapter name)
    cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
    add_library(spira_adapter_${name} STATIC ${A_SOURCES})
    spira_own(spira_adapter_${name})
    target_link_libraries(spira_adapter_${name} PUBLIC spira_core PRIVATE ${A_LIBS})
endfunction()

# spira_test(name LABEL unit SOURCES test_x.c LIBS spira_core): a Criterion program run by ctest.
# Criterion's macros need statement expressions, so its users get no -Wpedantic and no banned list.
function(spira_test name)
    cmake_parse_arguments(T "" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${T_SOURCES})
    target_link_libraries(${name} PRIVATE spira_options ${T_LIBS} criterion)
    target_compile_options(${name} PRIVATE -Wall -Wextra -Wshadow $<$<BOOL:${SPIRA_WERROR}>:-Werror>)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name} --jobs=1 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT 120)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT})
endfunction()
