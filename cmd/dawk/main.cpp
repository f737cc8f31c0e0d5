#include "cmd/dawk/command.hpp"

int main(int argc, char** argv) {
    return dawk::cmd::run(argc, argv);
}
