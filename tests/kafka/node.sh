#!/bin/sh
# Runs one Kafka node as long as standard input stays open: node.sh JARS FOLDER
#
# KAFKA_JVM_OPTIONS: options of the virtual machine; by default it starts quickly and never gets as
# fast as it could.
#
# Prints the broker's process number. When standard input ends, however its other side went, the
# broker is killed and its folder removed; a line "keep" before the end keeps the folder.
exec 3<&0
java -Xmx384m -XX:+UseSerialGC ${KAFKA_JVM_OPTIONS--XX:TieredStopAtLevel=1} \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -cp "$1/*" kafka.Kafka "$2/node.properties" </dev/null >>"$2/log" 2>&1 3<&- &
broker=$!
echo "$broker"
exec >&-
read -r order <&3
kill -9 "$broker" 2>/dev/null
wait "$broker" 2>/dev/null
[ "$order" = keep ] || rm -rf "$2"
rmdir "$(dirname "$2")" 2>/dev/null
exit 0
