# The library levels as an installed CMake package: find_package(dawk) gives dawk::base, dawk::smtp ...
include(CMakePackageConfigHelpers)
function(dawk_install_package)
    set(where ${CMAKE_INSTALL_LIBDIR}/cmake/dawk)
    install(EXPORT dawkTargets NAMESPACE dawk:: DESTINATION ${where})
    configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/dawkConfig.cmake.in
        ${PROJECT_BINARY_DIR}/dawkConfig.cmake INSTALL_DESTINATION ${where})
    write_basic_package_version_file(${PROJECT_BINARY_DIR}/dawkConfigVersion.cmake
        COMPATIBILITY SameMinorVersion)
    install(FILES ${PROJECT_BINARY_DIR}/dawkConfig.cmake ${PROJECT_BINARY_DIR}/dawkConfigVersion.cmake
        DESTINATION ${where})
endfunction()
