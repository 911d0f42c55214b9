# cmake -DIN=FILE -DOUT=FILE -DNAME=WORD -P embed.cmake: the bytes of IN as a C array, zero-terminated.
# (A string literal may be no longer than 4,095 characters in C17.)
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,){18})" "    \\1\n" bytes "${bytes}")
file(WRITE ${OUT} "static const char ${NAME}[] = {\n${bytes} 0x00};\n")
