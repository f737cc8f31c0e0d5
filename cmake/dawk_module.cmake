# dawk_module(NAME [EXPORTED] [DEPS module...] [TEST_DEPS module...] [LIBS target...]
#             [PUBLIC_LIBS target...] [PROTO file...])
#
# The only build verb of a module. A module is the folder dawk/NAME; what a file is, its name says:
#   *_test.cpp   unit tests, one binary NAME_test, one ctest "unit.NAME"
#   *_fuzz.cpp   one libFuzzer target each; without libFuzzer the same file is linked with a replayer
#                and run over fuzz/corpus/<stem> as the ctest "fuzz.<stem>"
#   *_bench.cpp  one Google Benchmark binary NAME_bench
#   other *.cpp  the library dawk::NAME;  other *.hpp its public headers
# DEPS name modules of lower levels only (tools/lint.py holds the arrows). TEST_DEPS are linked to the
# tests alone and may stand anywhere (sim, engines in memory). LIBS are private.
# EXPORTED modules belong to the installed CMake package.
function(dawk_module name)
    cmake_parse_arguments(M "EXPORTED" "" "DEPS;TEST_DEPS;LIBS;PUBLIC_LIBS;PROTO" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS *.cpp)
    file(GLOB headers CONFIGURE_DEPENDS *.hpp)
    list(FILTER headers EXCLUDE REGEX "_test\\.hpp$")
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    set(fuzzers ${sources})
    list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
    set(benches ${sources})
    list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cpp$")

    set(lib dawk_${name})
    if(sources OR M_PROTO)
        add_library(${lib} STATIC ${sources})
        set(scope PUBLIC)
        target_link_libraries(${lib} PRIVATE ${M_LIBS})
    else()
        add_library(${lib} INTERFACE)
        set(scope INTERFACE)
        target_link_libraries(${lib} INTERFACE ${M_LIBS})
    endif()
    add_library(dawk::${name} ALIAS ${lib})
    set_target_properties(${lib} PROPERTIES EXPORT_NAME ${name})
    if(headers)
        target_sources(${lib} ${scope} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}
            FILES ${headers})
    endif()
    target_include_directories(${lib} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
    target_compile_features(${lib} ${scope} cxx_std_20)
    target_link_libraries(${lib} ${scope} $<BUILD_INTERFACE:dawk_flags> Boost::headers
        ${M_PUBLIC_LIBS})
    foreach(dep ${M_DEPS})
        if(NOT TARGET dawk_${dep})
            message(FATAL_ERROR "module ${name} names ${dep}, which is not a lower module")
        endif()
        target_link_libraries(${lib} ${scope} dawk_${dep})
    endforeach()
    foreach(proto ${M_PROTO})
        dawk_proto(${lib} ${proto})
    endforeach()
    if(M_EXPORTED)
        install(TARGETS ${lib} EXPORT dawkTargets FILE_SET HEADERS)
        set_property(GLOBAL APPEND PROPERTY DAWK_EXPORTED ${name})
    endif()
    if(DAWK_TESTS)
        dawk_module_tests()
    endif()
endfunction()

macro(dawk_module_tests)
    if(tests)
        add_executable(${name}_test ${tests})
        target_link_libraries(${name}_test PRIVATE ${lib} ${M_LIBS} GTest::gmock GTest::gtest
            GTest::gtest_main)
        foreach(dep ${M_TEST_DEPS})
            target_link_libraries(${name}_test PRIVATE dawk_${dep})
        endforeach()
        target_compile_definitions(${name}_test PRIVATE
            DAWK_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
        # Optimising the test cases themselves doubles the time to compile them and shows nothing.
        target_compile_options(${name}_test PRIVATE -O0)
        add_test(NAME unit.${name} COMMAND ${name}_test)
        set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 300)
    endif()
    foreach(source ${fuzzers})
        get_filename_component(stem ${source} NAME_WE)
        add_executable(${stem} ${source})
        target_link_libraries(${stem} PRIVATE ${lib})
        if(DAWK_FUZZ)
            target_compile_options(${stem} PRIVATE -fsanitize=fuzzer)
            target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
        else()
            target_sources(${stem} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cpp)
        endif()
        set(corpus ${PROJECT_SOURCE_DIR}/fuzz/corpus/${stem})
        add_test(NAME fuzz.${stem} COMMAND ${stem} -runs=0 ${corpus})
        set_tests_properties(fuzz.${stem} PROPERTIES LABELS fuzz TIMEOUT 120)
    endforeach()
    if(benches)
        add_executable(${name}_bench ${benches})
        if(DAWK_SANITIZE)
            set_target_properties(${name}_bench PROPERTIES EXCLUDE_FROM_ALL ON)
        endif()
        foreach(dep ${M_TEST_DEPS})
            target_link_libraries(${name}_bench PRIVATE dawk_${dep})
        endforeach()
        target_link_libraries(${name}_bench PRIVATE ${lib} ${M_LIBS} benchmark::benchmark
            benchmark::benchmark_main)
    endif()
endmacro()

# The sources of this library may hold mutations (dawk/base/mutation.hpp): faults on purpose, which the
# simulation must find. Of test builds alone.
function(dawk_mutations lib)
    if(DAWK_TESTS)
        target_compile_definitions(${lib} PRIVATE DAWK_MUTATIONS)
    endif()
endfunction()

# Generates C++ from a .proto beside the module, as #include "dawk/<module>/x.pb.h"; generated code
# is not held to our warnings.
function(dawk_proto lib proto)
    find_package(Protobuf REQUIRED)
    get_filename_component(stem ${proto} NAME_WE)
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    set(out ${PROJECT_BINARY_DIR}/gen)
    file(MAKE_DIRECTORY ${out})
    add_custom_command(
        OUTPUT ${out}/${relative}/${stem}.pb.cc ${out}/${relative}/${stem}.pb.h
        COMMAND protobuf::protoc --cpp_out=${out} -I${PROJECT_SOURCE_DIR}
            ${PROJECT_SOURCE_DIR}/${relative}/${proto}
        DEPENDS ${proto})
    add_library(${lib}_${stem}_proto OBJECT ${out}/${relative}/${stem}.pb.cc
        ${out}/${relative}/${stem}.pb.h)
    target_compile_features(${lib}_${stem}_proto PRIVATE cxx_std_20)
    target_include_directories(${lib}_${stem}_proto SYSTEM PUBLIC ${out})
    target_link_libraries(${lib}_${stem}_proto PUBLIC protobuf::libprotobuf-lite)
    if(DAWK_SANITIZE)
        target_compile_options(${lib}_${stem}_proto PRIVATE -fsanitize=${DAWK_SANITIZE})
    endif()
    target_sources(${lib} PRIVATE $<TARGET_OBJECTS:${lib}_${stem}_proto>)
    target_include_directories(${lib} SYSTEM PRIVATE ${out})
    target_link_libraries(${lib} PRIVATE protobuf::libprotobuf-lite)
    add_dependencies(${lib} ${lib}_${stem}_proto)
endfunction()
