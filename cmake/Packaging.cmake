# What `cmake --install` puts where, and packages of it: `cpack -G DEB`, `cpack -G TGZ` (script/package).
# Where SOURCE_DATE_EPOCH is set, the same commit gives the same bytes.
include(GNUInstallDirs)
# Whatever the umask of who makes it.
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(workers "")
foreach(step audio-intake feature-engineering model-training model-evaluation model-publish run-tracker)
    list(APPEND workers spira-${step})
endforeach()
foreach(program spiractl golden-check ${workers})
    if(TARGET ${program}) # golden-check comes with the tests
        install(TARGETS ${program} RUNTIME)
    endif()
endforeach()

set(documents ${CMAKE_INSTALL_DATAROOTDIR}/doc/spira)
install(DIRECTORY schemas/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/spira/schemas
    FILES_MATCHING PATTERN "*.schema.json")
install(DIRECTORY docs DESTINATION ${documents})
install(FILES README.md deploy/package/copyright DESTINATION ${documents})

# What only a Debian package has: units, their user and settings, the changelog.
foreach(program ${workers})
    configure_file(deploy/package/worker@.service.in units/${program}@.service @ONLY)
endforeach()
set(changelog ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz)
execute_process(COMMAND gzip --best --no-name --stdout ${PROJECT_SOURCE_DIR}/deploy/package/changelog
    OUTPUT_FILE ${changelog} COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS deploy/package/changelog)
set(debian COMPONENT debian EXCLUDE_FROM_ALL)
install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/units/ DESTINATION /lib/systemd/system ${debian})
install(FILES deploy/package/sysusers.conf DESTINATION /usr/lib/sysusers.d RENAME spira.conf ${debian})
install(FILES deploy/package/spira.env DESTINATION /etc/spira ${debian})
install(FILES ${changelog} DESTINATION /usr/share/doc/spira ${debian})

set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/PackagingGenerator.cmake)
set(CPACK_PACKAGE_CONTACT "The SPIRA authors <spira@users.noreply.github.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "trains classifiers of respiratory insufficiency from speech")
set(CPACK_PACKAGE_DESCRIPTION "SPIRA turns recordings of speech into a small convolutional network that tells
whether a voice shows respiratory insufficiency. spiractl runs the whole
pipeline in one process; the workers run it as a fleet over Apache Kafka and
Redis. The same inputs give the same model, byte for byte.
.
It is no medical device: nothing here has been validated for diagnosis.")
set(CPACK_PACKAGE_FILE_NAME spira-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION sound)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/conffiles "/etc/spira/spira.env\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/conffiles
    ${PROJECT_SOURCE_DIR}/deploy/package/postinst)
include(CPack)
