// Problem: what is wrong or doubtful in a configuration, where, and what to write instead.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dawk/config/document.hpp"

namespace dawk::config {

struct Problem {
    enum class Severity { error, warning };
    Severity severity = Severity::error;
    Position position;    // none: concerns the file as a whole
    std::string key;      // "listener[2].tls", may be empty
    std::string message;  // "\"startls\" is none of none, starttls, implicit"
    std::string hint;     // "did you mean \"starttls\"?", may be empty

    // file:line:column: error: key: message; hint
    std::string text(std::string_view file) const;
};

// Problems of one file, and where its keys stand.
class Report {
  public:
    void place(std::string key, Position position) { places_.emplace(std::move(key), position); }
    // Where the key stands, or else what holds it.
    Position where(std::string_view key) const;
    void error(std::string key, std::string message, std::string hint = {});
    void warning(std::string key, std::string message, std::string hint = {});
    void error_at(Position position, std::string key, std::string message, std::string hint = {});
    bool failed() const noexcept { return failed_; }
    std::vector<Problem> take();  // in the order of the file, each once

  private:
    std::map<std::string, Position, std::less<>> places_;
    std::vector<Problem> problems_;
    bool failed_ = false;
};

}  // namespace dawk::config
