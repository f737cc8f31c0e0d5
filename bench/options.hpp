// Command-line options of the load tools: --name value, or --name alone for a switch.
// Use: Options o(argc, argv, known); o.number("sessions", 50). An unknown or malformed option ends
// the program with a message; never guesses.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace dawk::bench {

struct OptionHelp {
    std::string_view name;
    std::string_view value;  // placeholder, empty for a switch
    std::string_view help;
};

class Options {
  public:
    Options(int argc, char** argv, std::string_view about, std::span<OptionHelp const> known);

    bool has(std::string_view name) const;
    std::string text(std::string_view name, std::string_view fallback) const;
    std::uint64_t number(std::string_view name, std::uint64_t fallback) const;
    double real(std::string_view name, double fallback) const;

  private:
    std::map<std::string, std::string, std::less<>> values_;
};

[[noreturn]] void die(std::string const& message);

}  // namespace dawk::bench
