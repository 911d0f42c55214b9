#!/usr/bin/env python3
"""libhearth is a library others can link: installed somewhere, found by pkg-config and by CMake, it
shows hearth_* and nothing else, and the example of the documentation stores and reads on a cluster."""
import os
import re

from cluster import BIN, ROOT, main, run

BUILD = os.path.dirname(BIN)
EXAMPLE = os.path.join(ROOT, "docs", "examples", "put_get.c")
STRICT = ["-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
CMAKE_PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(stranger LANGUAGES C)
find_package(Hearth 0.1 REQUIRED)
add_executable(put_get {example})
target_link_libraries(put_get PRIVATE Hearth::hearth)
"""


def prefix(cluster, *parts):
    return cluster.path("prefix", *parts)


def sanitizers():
    """What a program must be linked with when the library was."""
    with open(os.path.join(BUILD, "CMakeCache.txt")) as file:
        has_asan = re.search("^HEARTH_ASAN:.*=ON$", file.read(), re.MULTILINE)
    return ["-fsanitize=address,undefined"] if has_asan else []


def pkg_config(cluster, *arguments):
    return run(["pkg-config", *arguments, "hearth"],
               env={"PKG_CONFIG_PATH": prefix(cluster, "lib", "pkgconfig")}).text.split()


def put_and_get(cluster, program, key):
    text = f"said by {key}"
    result = run([program, cluster.config, "examples", key, text],
                 env={"LD_LIBRARY_PATH": prefix(cluster, "lib")})
    assert result.text == text, result.text
    assert cluster.hearth("cat", f"s3://examples/{key}").text == text


def everything_is_installed_and_can_be_moved(cluster):
    first = cluster.path("first")
    run(["cmake", "--install", BUILD, "--prefix", first, "--strip"])
    os.rename(first, prefix(cluster))
    for name in ("hearth", "hearth-admin", "hearth-coordinator", "hearth-storaged"):
        assert "0.1.0" in run([prefix(cluster, "bin", name), "--version"]).text
    assert sorted(os.listdir(prefix(cluster, "include", "hearth"))) == ["err.h", "hearth.h", "view.h"]


def declared(cluster):
    """Names of the functions in the installed headers."""
    names = set()
    for header in ("hearth.h", "err.h"):
        with open(prefix(cluster, "include", "hearth", header)) as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
        text = re.sub(r"^#define(?:.*\\\n)*.*$", "", text, flags=re.MULTILINE)
        names.update(re.findall(r"(?<!enum )\b(hearth_\w+)\(", text))
    assert {"hearth_open", "hearth_put", "hearth_err_set"} <= names
    return names


def exactly_the_declared_functions_are_shown(cluster):
    shared = prefix(cluster, "lib", "libhearth.so")
    symbols = run(["nm", "-D", "--defined-only", shared]).lines
    shown = {line.split()[2].split("@")[0] for line in symbols if line.split()[1] != "A"}
    assert shown == declared(cluster), shown ^ declared(cluster)
    assert re.search(r"SONAME.*\[libhearth\.so\.0\]", run(["readelf", "-d", shared]).text)
    symbols = run(["nm", "--defined-only", "--extern-only", prefix(cluster, "lib", "libhearth.a")])
    shown = {line.split()[2] for line in symbols.lines if len(line.split()) == 3}
    assert shown == declared(cluster), shown ^ declared(cluster)


def the_example_runs_on_the_shared_library(cluster):
    program = cluster.path("put_get_shared")
    run(["cc", *STRICT, EXAMPLE, *sanitizers(), *pkg_config(cluster, "--cflags", "--libs"), "-o",
         program])
    put_and_get(cluster, program, "shared")


def the_example_runs_on_the_static_library(cluster):
    program = cluster.path("put_get_static")
    below = [flag for flag in pkg_config(cluster, "--static", "--libs") if flag != "-lhearth"]
    run(["cc", *STRICT, EXAMPLE, *sanitizers(), *pkg_config(cluster, "--cflags"),
         prefix(cluster, "lib", "libhearth.a"), *below, "-o", program])
    assert "libhearth" not in run(["readelf", "-d", program]).text
    put_and_get(cluster, program, "static")


def cmake_finds_the_package(cluster):
    source = os.path.dirname(cluster.write(
        "stranger/CMakeLists.txt", CMAKE_PROJECT.format(example=EXAMPLE).encode()))
    build = cluster.path("stranger-build")
    run(["cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix(cluster)}",
         f"-DCMAKE_EXE_LINKER_FLAGS={' '.join(sanitizers())}"])
    run(["cmake", "--build", build])
    put_and_get(cluster, os.path.join(build, "put_get"), "cmake")


def an_error_of_the_library_reaches_the_user(cluster):
    result = run([cluster.path("put_get_static"), cluster.path("nowhere.conf"), "b", "k", "t"],
                 fails=1)
    assert re.fullmatch(r"put_get: .*nowhere\.conf.*", result.err), result.err


if __name__ == "__main__":
    main(everything_is_installed_and_can_be_moved, exactly_the_declared_functions_are_shown,
         the_example_runs_on_the_shared_library, the_example_runs_on_the_static_library,
         cmake_finds_the_package, an_error_of_the_library_reaches_the_user)
