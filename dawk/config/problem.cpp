#include "dawk/config/problem.hpp"

#include <algorithm>
#include <tuple>

#include "dawk/base/ascii.hpp"

namespace dawk::config {

std::string Problem::text(std::string_view file) const {
    std::string out = ascii::printable(file);
    if (position.line != 0)
        out += ':' + std::to_string(position.line) + ':' + std::to_string(position.column);
    out += severity == Severity::error ? ": error: " : ": warning: ";
    if (!key.empty()) out += ascii::printable(key) + ": ";
    out += ascii::printable(message);
    if (!hint.empty()) out += "; " + ascii::printable(hint);
    return out;
}

Position Report::where(std::string_view key) const {
    while (!key.empty()) {
        if (auto const at = places_.find(key); at != places_.end()) return at->second;
        auto const cut = key.find_last_of(".[");
        key = cut == key.npos ? std::string_view() : key.substr(0, cut);
    }
    return {};
}

void Report::error_at(Position position, std::string key, std::string message, std::string hint) {
    failed_ = true;
    problems_.push_back(
        {Problem::Severity::error, position, std::move(key), std::move(message), std::move(hint)});
}

void Report::error(std::string key, std::string message, std::string hint) {
    auto const position = where(key);
    error_at(position, std::move(key), std::move(message), std::move(hint));
}

void Report::warning(std::string key, std::string message, std::string hint) {
    problems_.push_back({Problem::Severity::warning, where(key), std::move(key), std::move(message),
                         std::move(hint)});
}

std::vector<Problem> Report::take() {
    auto const order = [](Problem const& p) { return std::tie(p.position, p.key, p.message); };
    std::stable_sort(problems_.begin(), problems_.end(),
                     [&](Problem const& a, Problem const& b) { return order(a) < order(b); });
    auto const same = [&](Problem const& a, Problem const& b) { return order(a) == order(b); };
    problems_.erase(std::unique(problems_.begin(), problems_.end(), same), problems_.end());
    return std::move(problems_);
}

}  // namespace dawk::config
