#include "bench/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace dawk::bench {

void die(std::string const& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::exit(2);
}

namespace {

[[noreturn]] void usage(std::string_view about, std::span<OptionHelp const> known) {
    std::printf("%.*s\n\n", static_cast<int>(about.size()), about.data());
    for (auto const& option : known) {
        std::string left = "  --" + std::string(option.name) + " " + std::string(option.value);
        left.resize(std::max<std::size_t>(left.size() + 1, 28), ' ');
        std::printf("%s%s\n", left.c_str(), std::string(option.help).c_str());
    }
    std::exit(0);
}

}  // namespace

Options::Options(int argc, char** argv, std::string_view about, std::span<OptionHelp const> known) {
    for (int i = 1; i < argc; ++i) {
        std::string_view argument = argv[i];
        if (argument == "--help") usage(about, known);
        if (!argument.starts_with("--")) die("not an option: " + std::string(argument));
        argument.remove_prefix(2);
        auto const option = std::find_if(known.begin(), known.end(),
                                         [&](auto const& k) { return k.name == argument; });
        if (option == known.end())
            die("unknown option --" + std::string(argument) + ", see --help");
        std::string value;
        if (!option->value.empty()) {
            if (++i == argc) die("option --" + std::string(argument) + " needs a value");
            value = argv[i];
        }
        values_[std::string(argument)] = value;
    }
}

bool Options::has(std::string_view name) const {
    return values_.find(name) != values_.end();
}

std::string Options::text(std::string_view name, std::string_view fallback) const {
    auto const found = values_.find(name);
    return found == values_.end() ? std::string(fallback) : found->second;
}

std::uint64_t Options::number(std::string_view name, std::uint64_t fallback) const {
    auto const found = values_.find(name);
    if (found == values_.end()) return fallback;
    std::uint64_t value = 0;
    auto const& text = found->second;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        die("option --" + std::string(name) + ": not a number: " + text);
    return value;
}

double Options::real(std::string_view name, double fallback) const {
    auto const found = values_.find(name);
    if (found == values_.end()) return fallback;
    double value = 0;
    auto const& text = found->second;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        die("option --" + std::string(name) + ": not a number: " + text);
    return value;
}

}  // namespace dawk::bench
