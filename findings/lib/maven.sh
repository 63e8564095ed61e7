# Libraries from Maven Central. Source check.sh first.
# shellcheck shell=bash

# maven_jars FOLDER GROUP:ARTIFACT:VERSION...: fetches libraries and what they depend on into the folder.
maven_jars() {
  local folder group artifact version
  need java mvn
  mkdir -p "$1"
  # Maven takes a relative path to be one beside the pom.
  folder=$(cd "$1" && pwd)
  shift
  {
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    echo '<groupId>findings</groupId><artifactId>jars</artifactId><version>1</version><dependencies>'
    while IFS=: read -r group artifact version; do
      printf '<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n' \
        "$group" "$artifact" "$version"
    done < <(printf '%s\n' "$@")
    echo '</dependencies></project>'
  } >"$folder/pom.xml"
  logged mvn -B -q -f "$folder/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies "-DoutputDirectory=$folder"
}
