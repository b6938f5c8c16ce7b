// Without arguments: the names of all attacks. With one: carries it out in a process that nothing protects.
#include <cstdio>

#include "attacks.hpp"

int main(int count, char** arguments) {
  if (count > 1) return std::puts(dcp::attacks::carry_out(arguments[1]).c_str()) < 0;
  for (const std::string& name : dcp::attacks::names()) std::puts(name.c_str());
}
