# Read by cpack once for each kind of package.
if(CPACK_GENERATOR STREQUAL DEB)
    list(GET CPACK_INSTALL_CMAKE_PROJECTS 0 built)
    list(APPEND CPACK_INSTALL_CMAKE_PROJECTS ${built} ${CPACK_PACKAGE_NAME} debian /)
endif()
