# One interface target carries the language level, warnings and sanitizers to every module.
set(CMAKE_CXX_EXTENSIONS OFF)
add_library(dawk_flags INTERFACE)
target_compile_features(dawk_flags INTERFACE cxx_std_20)
target_compile_options(dawk_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Woverloaded-virtual
    -Wimplicit-fallthrough -Wformat=2)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # -Wmismatched-new-delete: g++ 12 sees the inlined frame allocation of Asio's awaitables as mismatched.
    # -Wrestrict of g++ 12 sees overlaps in an inlined "text" + std::string (GCC PR105651).
    target_compile_options(dawk_flags INTERFACE -fcoroutines -Wno-mismatched-new-delete -Wno-restrict)
else()
    # DAWK_CHECK(!"what should not be") is meant. std::stable_sort of libstdc++ 12 uses what C++17 deprecates.
    target_compile_options(dawk_flags INTERFACE -Wno-string-conversion -Wno-deprecated-declarations)
endif()
if(DAWK_WERROR)
    target_compile_options(dawk_flags INTERFACE -Werror)
endif()
if(DAWK_SANITIZE)
    target_compile_options(dawk_flags INTERFACE
        -fsanitize=${DAWK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(dawk_flags INTERFACE -fsanitize=${DAWK_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # Instrumented code hides from g++ what it had proven (its manual warns of that).
        target_compile_options(dawk_flags INTERFACE -Wno-maybe-uninitialized)
        # A fifth of the time to compile: a null pointer that is followed, the address sanitizer tells too, and
        # clang-19 keeps both in the preset fuzz.
        if(DAWK_SANITIZE MATCHES "undefined")
            target_compile_options(dawk_flags INTERFACE -fno-sanitize=null,alignment)
        endif()
    endif()
endif()

if(DAWK_FUZZ)
    # Without this the fuzzer sees its own target only, not the code it is about.
    target_compile_options(dawk_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(DAWK_CCACHE ccache)
if(DAWK_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${DAWK_CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${DAWK_CCACHE})
endif()
find_program(DAWK_LLD NAMES ld.lld ld.lld-19)
if(DAWK_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_link_options(-fuse-ld=lld)
endif()
find_program(DAWK_LLD_DIR ld.lld)
if(DAWK_TIDY)
    find_program(DAWK_CLANG_TIDY NAMES clang-tidy-19 REQUIRED)
    set(CMAKE_CXX_CLANG_TIDY ${DAWK_CLANG_TIDY} --quiet)
endif()

find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Threads REQUIRED)

if(DAWK_TESTS)
    enable_testing()
    find_package(GTest REQUIRED)
    find_package(benchmark REQUIRED)
endif()
